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

use super::{Admission, Caller, Contract, owner};
use crate::{
    idempotency,
    identity::PREFIX,
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

/// Keys live for months and are not sent with each call, where more can leak them.
const IS_A_KEY: &str = "this is an API key and no access token; exchange it first: \
     POST /api/tokens with {\"apiKey\": \"…\"}, and send the accessToken of the answer";

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
        let caller = claims.as_ref().ok().and_then(Option::as_deref);
        self.count(policy.rate_class(), caller).await?;
        crate::telemetry::record_user(caller.map(|claims| claims.sub));
        let claims = claims?;
        owner::check(policy, claims.as_deref())?;
        let mut admission = self.contract.admit(policy, claims)?;
        admission.caller.has_ended = has_ended;
        admission.key = idempotency::key(headers)?.map(|key| (key, path.to_owned()));
        Ok(Some(admission))
    }

    /// Takes a call from its budget. Strangers who come through a host of ours were
    /// counted there, and here are too many behind one address: all whom another
    /// service asks for. So it is with our services: whoever they work for was
    /// counted, and what is too much for us is shed. Guesses are counted everywhere.
    async fn count(&self, class: RateClass, caller: Option<&Claims>) -> Result<(), Status> {
        let client = RequestContext::current().and_then(|context| context.client);
        let was_counted = match caller {
            Some(claims) => claims.is_service(),
            None => client.is_some_and(|client| client.is_forwarded),
        };
        if was_counted && class != RateClass::SignIn {
            return Ok(());
        }
        let user = caller.map(|claims| claims.sub);
        let standing = self.limits.take(class, Payer::of(class, user, client)).await;
        standing.map_or(Ok(()), |standing| standing.check())
    }

    /// What the token says, if there is one, and whether its session has ended.
    async fn claims(&self, headers: &HeaderMap) -> Result<(Option<Arc<Claims>>, bool), Status> {
        let Some(header) = headers.get(AUTHORIZATION) else { return Ok((None, false)) };
        let token = header.to_str().ok().and_then(bearer);
        let token = token.ok_or_else(|| status::refuse(Reason::TOKEN_INVALID))?;
        if token.starts_with(PREFIX) {
            return Err(status::refuse_because(Reason::TOKEN_INVALID, IS_A_KEY));
        }
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
                        request.extensions_mut().insert(admission);
                    }
                    inner.call(request).await
                }
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}
