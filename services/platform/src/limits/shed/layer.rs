//! The layer in front of gRPC methods.

use std::{
    convert::Infallible,
    future::ready,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::Shedder;
use crate::{access::Contract, server::Unlogged};

/// The layer. What is not in the contract, health and reflection, is always
/// let in: probes must not kill who is merely busy.
#[derive(Clone, Debug)]
pub(crate) struct Shed {
    pub(crate) contract: Contract,
    pub(crate) shedder: Shedder,
}

/// The service made by [`Shed`].
#[derive(Clone, Debug)]
pub(crate) struct Bounded<S> {
    layer: Shed,
    inner: S,
}

impl<S> Layer<S> for Shed {
    type Service = Bounded<S>;

    fn layer(&self, inner: S) -> Bounded<S> {
        Bounded { layer: self.clone(), inner }
    }
}

impl<S, B> Service<Request<B>> for Bounded<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Shed { contract, shedder } = &self.layer;
        let policy = contract.policy(request.uri().path());
        match policy.map(|policy| shedder.enter(policy.criticality())).transpose() {
            Ok(permit) => {
                let work = self.inner.call(request);
                Box::pin(async move {
                    let answer = work.await;
                    drop(permit);
                    answer
                })
            }
            Err(overloaded) => {
                let mut response = Status::from(overloaded).into_http();
                response.extensions_mut().insert(Unlogged);
                Box::pin(ready(Ok(response)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        num::NonZeroUsize,
        sync::{Arc, Mutex},
    };

    use tokio::sync::oneshot;
    use tower::{ServiceExt as _, service_fn};

    use super::*;
    use crate::limits::Load;

    const READ: &str = "/mainstay.content.v1.PostService/GetPost";
    const KEYS: &str = "/mainstay.auth.v1.KeyService/GetKeySet";
    const PROBE: &str = "/grpc.health.v1.Health/Check";

    #[tokio::test]
    async fn calls_are_refused_while_others_are_worked_on_but_probes_and_keys_are_not() {
        let (finish, finished) = oneshot::channel::<()>();
        let first = Arc::new(Mutex::new(Some(finished)));
        let inner = service_fn(move |_: Request<()>| {
            let wait = first.lock().unwrap().take();
            async move {
                if let Some(wait) = wait {
                    wait.await.unwrap();
                }
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        });
        let shedder = Shedder::new("tested", NonZeroUsize::MIN, Load::default());
        let layer = Shed { contract: Contract::read().unwrap(), shedder };
        let service = layer.layer(inner);
        let call = |path: &str| service.clone().oneshot(Request::post(path).body(()).unwrap());
        let refused = async |path: &str| {
            let response = call(path).await.unwrap();
            let is_quiet = response.extensions().get::<Unlogged>().is_some();
            let status = Status::from_header_map(response.headers());
            assert_eq!(status.is_some(), is_quiet, "{path}");
            is_quiet
        };
        let mut slow = Box::pin(call(READ));
        assert!(futures_util::poll!(&mut slow).is_pending());
        assert!(refused(READ).await);
        assert!(!refused(KEYS).await);
        assert!(!refused(PROBE).await);
        finish.send(()).unwrap();
        slow.await.unwrap();
        assert!(!refused(READ).await);
    }
}
