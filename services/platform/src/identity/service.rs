//! The access token of this service: exchanged when first needed, renewed before
//! its end, and attached to calls.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use proto::auth::v1::{ExchangeApiKeyRequest, api_key_service_client::ApiKeyServiceClient};
use tokio::time::{Instant, timeout};
use tonic::{Status, body::Body};
use tower::Service;

use super::ApiKey;
use crate::{
    server::spawn,
    upstream::{self, Address, Upstream},
};

/// An exchange that takes longer has failed.
const WITHIN: Duration = Duration::from_secs(2);
/// How much of a token's time is left when it is exchanged for the next.
const AHEAD: Duration = Duration::from_mins(1);
/// After a failure nobody asks again for this long; doubled with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Makes this service known to auth. Clones share the token.
#[derive(Clone, Debug)]
pub struct ServiceToken(Option<Arc<Inner>>);

/// A connection whose calls say which service makes them. A call that carries
/// somebody's token already is left as it is.
#[derive(Clone, Debug)]
pub struct Identified {
    inner: Upstream,
    token: ServiceToken,
}

#[derive(Debug)]
struct Inner {
    key: ApiKey,
    auth: Upstream,
    state: Mutex<State>,
    /// Held while exchanging, so that a burst of calls asks once.
    exchanging: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    failures: u32,
    not_before: Option<Instant>,
}

#[derive(Clone)]
struct Held {
    authorization: HeaderValue,
    renew_at: Instant,
    ends_at: Instant,
}

// === impl ServiceToken ===

impl ServiceToken {
    /// Exchanges a key at auth. Without one calls are made by nobody in particular.
    pub fn new(key: Option<ApiKey>, auth: &Address) -> Self {
        Self(key.map(|key| {
            let (state, exchanging) = (Mutex::default(), tokio::sync::Mutex::default());
            Arc::new(Inner { key, auth: upstream::connect(auth), state, exchanging })
        }))
    }

    /// A connection whose calls carry the token: for clients of methods that only
    /// services may call.
    pub fn connect(&self, address: &Address) -> Identified {
        Identified { inner: upstream::connect(address), token: self.clone() }
    }

    /// What calls say in `authorization`; none without a key, or while auth does not
    /// exchange it. Callers without it are strangers, and learn what strangers may.
    pub async fn authorization(&self) -> Option<HeaderValue> {
        let inner = self.0.as_ref()?;
        if let Some(held) = inner.usable() {
            if held.renew_at <= Instant::now() && !inner.must_wait() {
                let inner = Arc::clone(inner);
                drop(spawn(async move { inner.exchange(true).await }));
            }
            return Some(held.authorization);
        }
        // A task of its own: it is neither part of a request, whose client it would
        // be counted for, nor dropped with one.
        let again = Arc::clone(inner);
        drop(spawn(async move { again.exchange(false).await }).await);
        inner.usable().map(|held| held.authorization)
    }

    /// Forgets a token that was refused.
    pub(crate) fn forget(&self, refused: &HeaderValue) {
        let Some(inner) = &self.0 else { return };
        let mut state = inner.state();
        if state.held.as_ref().is_some_and(|held| held.authorization == *refused) {
            state.held = None;
        }
    }
}

// === impl Inner ===

impl Inner {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self) -> Option<Held> {
        self.state().held.clone().filter(|held| held.ends_at > Instant::now())
    }

    fn must_wait(&self) -> bool {
        self.state().not_before.is_some_and(|not_before| not_before > Instant::now())
    }

    /// Exchanges the key, unless somebody just did or has to wait.
    async fn exchange(&self, is_early: bool) {
        let _one_at_a_time = self.exchanging.lock().await;
        let is_done = self.usable().is_some_and(|held| !is_early || held.renew_at > Instant::now());
        if is_done || self.must_wait() {
            return;
        }
        let asked = Instant::now();
        let answer = timeout(WITHIN, self.ask(asked)).await;
        let answer = answer.unwrap_or_else(|_late| Err(Status::deadline_exceeded("auth is slow")));
        let mut state = self.state();
        match answer {
            Ok(held) => *state = State { held: Some(held), failures: 0, not_before: None },
            Err(status) => {
                tracing::warn!(code = ?status.code(), "auth did not exchange this service's key");
                state.not_before = Some(Instant::now() + pause(state.failures));
                state.failures = state.failures.saturating_add(1);
            }
        }
    }

    async fn ask(&self, asked: Instant) -> Result<Held, Status> {
        let mut client = ApiKeyServiceClient::new(self.auth.clone());
        let api_key = self.key.expose().to_owned();
        let reply = client.exchange_api_key(ExchangeApiKeyRequest { api_key }).await?.into_inner();
        let authorization = HeaderValue::try_from(format!("Bearer {}", reply.access_token));
        let mut authorization =
            authorization.map_err(|_garbled| Status::data_loss("no header can hold the token"))?;
        authorization.set_sensitive(true);
        let lasts = Duration::from_secs(u64::try_from(reply.expires_in).unwrap_or_default());
        let ahead = AHEAD.min(lasts / 5);
        Ok(Held {
            authorization,
            renew_at: asked + lasts.saturating_sub(ahead),
            ends_at: asked + lasts,
        })
    }
}

/// How long nobody asks after so many failures.
fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE)
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("ends_at", &self.ends_at).finish_non_exhaustive()
    }
}

// === impl Identified ===

impl Service<http::Request<Body>> for Identified {
    type Response = <Upstream as Service<http::Request<Body>>>::Response;
    type Error = <Upstream as Service<http::Request<Body>>>::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let token = self.token.clone();
        // The clone is not ready yet; the one that was polled is.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        Box::pin(async move {
            let mut ours = None;
            if !request.headers().contains_key(AUTHORIZATION) {
                ours = token.authorization().await;
                request.headers_mut().extend(ours.clone().map(|it| (AUTHORIZATION, it)));
            }
            let response = inner.call(request).await?;
            if let Some(ours) = ours.filter(|_| is_refused(response.headers())) {
                token.forget(&ours);
            }
            Ok(response)
        })
    }
}

/// Whether a service does not believe who calls it.
fn is_refused(headers: &HeaderMap) -> bool {
    let code = tonic::Code::Unauthenticated as i32;
    let said = headers.get("grpc-status").and_then(|said| said.to_str().ok());
    said.and_then(|said| said.parse().ok()) == Some(code)
}
