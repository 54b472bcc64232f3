//! The layer that tells where the time of each request went, where that is wanted.

use std::{
    mem,
    task::{Context, Poll},
    time::Instant,
};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tower::{Layer, Service};

use crate::timing::{SERVER_TIMING, Timings};

/// The layer: the name of the process, if it tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tell(pub(super) Option<&'static str>);

/// The service made by [`Tell`].
#[derive(Clone, Debug)]
pub(super) struct Told<S> {
    name: Option<&'static str>,
    inner: S,
}

impl<S> Layer<S> for Tell {
    type Service = Told<S>;

    fn layer(&self, inner: S) -> Told<S> {
        Told { name: self.0, inner }
    }
}

impl<S, A, B> Service<Request<A>> for Told<S>
where
    S: Service<Request<A>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    A: Send + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<B>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let next = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, next);
        let Some(name) = self.name else { return Box::pin(inner.call(request)) };
        let (timings, started) = (Timings::default(), Instant::now());
        Box::pin(async move {
            let mut response = timings.scope(async { inner.call(request).await }).await?;
            if let Some(told) = timings.header(name, started.elapsed()) {
                response.headers_mut().insert(SERVER_TIMING, told);
            }
            Ok(response)
        })
    }
}
