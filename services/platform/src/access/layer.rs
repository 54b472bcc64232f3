//! The layer that verifies tokens and applies access rules.

use std::{
    convert::Infallible,
    mem,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{HeaderMap, header::AUTHORIZATION};
use proto::options::v1::RateClass;
use tonic::{Status, body::Body};
use tower::{Layer, Service};
use uuid::Uuid;

use super::{Admission, Caller, Contract};
use crate::{
    idempotency,
    limits::{Limits, Payer},
    request_id::RequestContext,
    status::{self, Reason},
    token::{Claims, Refused, Verifier},
};

/// Paths of the standard services on every port, which anybody may call.
const STANDARD: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// Auth is asked again and again meanwhile.
const A_MOMENT: Duration = Duration::from_secs(1);

/// Puts an admission into each request, or refuses it.
#[derive(Clone, Debug)]
pub struct AccessLayer {
    contract: Contract,
    verifier: Verifier,
    limits: Limits,
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
        Self { contract, verifier, limits: Limits::off() }
    }

    /// Enforces limits, too.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
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
        let claims = self.claims(headers).await;
        let has_ended = claims.as_ref().is_ok_and(|known| known.1);
        let claims = match claims {
            Ok((_, true)) if !policy.after_end => Err(refused(Refused::Ended)),
            known => known.map(|(claims, _)| claims),
        };
        // Who makes up tokens pays for them by address.
        let user = claims.as_ref().ok().and_then(|claims| claims.as_ref()).map(|claims| claims.sub);
        self.count(policy.rate_class(), user).await?;
        let mut admission = self.contract.admit(policy, claims?)?;
        admission.caller.has_ended = has_ended;
        admission.key = idempotency::key(headers)?.map(|key| (key, path.to_owned()));
        Ok(Some(admission))
    }

    /// Takes a call from its budget. Strangers who come through a host of ours were
    /// counted there, and here are too many behind one address: all whom another
    /// service asks for. Guesses are counted everywhere.
    async fn count(&self, class: RateClass, user: Option<Uuid>) -> Result<(), Status> {
        let client = RequestContext::current().and_then(|context| context.client);
        let was_counted = client.is_some_and(|client| client.is_forwarded) && user.is_none();
        if was_counted && class != RateClass::SignIn {
            return Ok(());
        }
        let standing = self.limits.take(class, Payer::of(class, user, client)).await;
        standing.map_or(Ok(()), |standing| standing.check())
    }

    /// What the token says, if there is one, and whether its session has ended.
    async fn claims(&self, headers: &HeaderMap) -> Result<(Option<Arc<Claims>>, bool), Status> {
        let Some(header) = headers.get(AUTHORIZATION) else { return Ok((None, false)) };
        let token = header.to_str().ok().and_then(bearer);
        let token = token.ok_or_else(|| status::refuse(Reason::TOKEN_INVALID))?;
        let (claims, has_ended) = self.verifier.verify_ended(token).await.map_err(refused)?;
        Ok((Some(claims), has_ended))
    }
}

/// The token in an `authorization` header; the scheme's case does not matter.
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn refused(refused: Refused) -> Status {
    match refused {
        Refused::Invalid => status::refuse(Reason::TOKEN_INVALID),
        Refused::Expired => status::refuse(Reason::TOKEN_EXPIRED),
        Refused::Ended => status::refuse(Reason::SESSION_ENDED),
        Refused::Unknowable => status::refuse_until(Reason::CALLER_UNKNOWN, A_MOMENT),
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = Enforced<S>;

    fn layer(&self, inner: S) -> Enforced<S> {
        Enforced { layer: self.clone(), inner }
    }
}

// === impl Caller ===

impl Caller {
    /// Whether their session has ended: only methods that the contract says so of see
    /// such callers, and they must open nothing to them.
    pub fn has_ended(&self) -> bool {
        self.has_ended
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
