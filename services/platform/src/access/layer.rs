//! The layer that verifies tokens and applies access rules.

use std::{
    convert::Infallible,
    mem,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::{HeaderMap, header::AUTHORIZATION};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::{Admission, Contract};
use crate::{
    idempotency,
    status::{self, Reason},
    token::{Refused, Verifier},
};

/// Paths of the standard services on every port, which anybody may call.
const STANDARD: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// Puts an admission into each request, or refuses it.
#[derive(Clone, Debug)]
pub struct AccessLayer {
    contract: Contract,
    verifier: Verifier,
}

/// The service made by [`AccessLayer`].
#[derive(Clone, Debug)]
pub struct Enforced<S> {
    layer: AccessLayer,
    inner: S,
}

// === impl AccessLayer ===

impl AccessLayer {
    /// Enforces the contract, trusting tokens that pass the verifier.
    pub fn new(contract: Contract, verifier: Verifier) -> Self {
        Self { contract, verifier }
    }

    /// The contract that is enforced.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    async fn admit(&self, path: &str, headers: &HeaderMap) -> Result<Option<Admission>, Status> {
        let Some(policy) = self.contract.policy(path) else {
            let is_standard = STANDARD.iter().any(|service| path.starts_with(service));
            return if is_standard {
                Ok(None)
            } else {
                Err(status::refuse(Reason::METHOD_UNKNOWN))
            };
        };
        let claims = match headers.get(AUTHORIZATION) {
            None => None,
            Some(header) => {
                let token = header.to_str().ok().and_then(bearer);
                let token = token.ok_or_else(|| status::refuse(Reason::TOKEN_INVALID))?;
                Some(self.verifier.verify(token).await.map_err(refused)?)
            }
        };
        let mut admission = self.contract.admit(policy, claims)?;
        admission.key = idempotency::key(headers)?.map(|key| (key, path.to_owned()));
        Ok(Some(admission))
    }
}

/// The token in an `authorization` header; the scheme's case does not matter.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn refused(refused: Refused) -> Status {
    match refused {
        Refused::Invalid => status::refuse(Reason::TOKEN_INVALID),
        Refused::Expired => status::refuse(Reason::TOKEN_EXPIRED),
        Refused::NoKeys => status::unavailable(&refused),
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = Enforced<S>;

    fn layer(&self, inner: S) -> Enforced<S> {
        Enforced { layer: self.clone(), inner }
    }
}

// === impl Enforced ===

impl<S, B> Service<http::Request<B>> for Enforced<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<S::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let layer = self.layer.clone();
        // The clone is not ready yet; the one that was polled is.
        let next = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, next);
        Box::pin(async move {
            match layer.admit(request.uri().path(), request.headers()).await {
                Ok(admission) => {
                    if let Some(admission) = admission {
                        let user_id = admission.caller.user_id();
                        crate::telemetry::record_user(user_id);
                        request.extensions_mut().insert(admission);
                    }
                    inner.call(request).await
                }
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}
