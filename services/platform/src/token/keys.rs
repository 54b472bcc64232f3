//! The public keys that tokens are verified with, fetched from auth when needed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::BoxFuture;
use jsonwebtoken::DecodingKey;
use proto::auth::v1::{GetKeySetRequest, Jwk, key_service_client::KeyServiceClient};

use tokio::time::timeout;

use crate::{fatal::causes, identity::Identified, server::spawn};

/// A key that is new is known everywhere within this time.
const FRESH: Duration = Duration::from_mins(5);
/// While auth cannot be asked, what was known is good for this long.
const USABLE: Duration = Duration::from_hours(1);
/// We ask again, for a key id that is unknown or because the answer failed, but
/// not more often than this.
const PATIENCE: Duration = Duration::from_secs(1);
/// Callers wait for an answer no longer than this.
const WITHIN: Duration = Duration::from_secs(2);

/// Asks for all keys that tokens may be signed with.
pub type KeySource =
    Box<dyn Fn() -> BoxFuture<'static, Result<Vec<Jwk>, FetchError>> + Send + Sync>;

/// The keys could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot fetch signing keys")]
pub struct FetchError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What is known of a key id.
pub(super) enum Lookup {
    Found(Arc<DecodingKey>),
    Unknown,
    NoKeys,
}

/// The keys as they were last fetched.
#[derive(Clone)]
pub(super) struct KeyRing(Arc<Inner>);

struct Inner {
    source: KeySource,
    known: Mutex<Known>,
    /// Held while fetching, so that a burst of requests asks once.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Arc<HashMap<String, Arc<DecodingKey>>>,
    fetched: Option<Instant>,
    asked: Option<Instant>,
}

/// Fetches the keys from the auth service.
pub fn fetch_from_auth(auth: &Identified) -> KeySource {
    let client = KeyServiceClient::new(auth.clone());
    Box::new(move || {
        let mut client = client.clone();
        Box::pin(async move {
            let reply = client.get_key_set(GetKeySetRequest {}).await;
            Ok(reply.map_err(|status| FetchError(status.into()))?.into_inner().keys)
        })
    })
}

// === impl KeyRing ===

impl KeyRing {
    pub(super) fn new(source: KeySource) -> Self {
        let (known, fetching) = (Mutex::default(), tokio::sync::Mutex::default());
        Self(Arc::new(Inner { source, known, fetching }))
    }

    /// Whether what was verified with these keys before can still be believed.
    /// Keys that have aged are fetched again beside the request.
    pub(super) fn are_usable(&self) -> bool {
        let known = self.known();
        if known.is_younger_than(USABLE) && !known.is_younger_than(FRESH) && !known.was_just_asked()
        {
            let this = self.clone();
            drop(spawn(async move { this.refresh().await }));
        }
        known.is_younger_than(USABLE)
    }

    pub(super) async fn find(&self, kid: &str) -> Lookup {
        if self.are_usable()
            && let Some(key) = self.known().keys.get(kid)
        {
            return Lookup::Found(Arc::clone(key));
        }
        self.refresh().await;
        let known = self.known();
        match known.keys.get(kid) {
            _ if !known.is_younger_than(USABLE) => Lookup::NoKeys,
            Some(key) => Lookup::Found(Arc::clone(key)),
            None => Lookup::Unknown,
        }
    }

    /// Asks for the keys, unless somebody just did.
    async fn refresh(&self) {
        let _one_at_a_time = self.0.fetching.lock().await;
        let before = self.known();
        if before.was_just_asked() {
            return;
        }
        let answer = timeout(WITHIN, (self.0.source)()).await;
        let now = Some(Instant::now());
        let after = match answer {
            Ok(Ok(keys)) => Known { keys: Arc::new(usable(keys)), fetched: now, asked: now },
            Ok(Err(error)) => {
                tracing::warn!(error = causes(&error), "signing keys not refreshed");
                Known { asked: now, ..before }
            }
            Err(_elapsed) => {
                tracing::warn!("signing keys not refreshed: no answer in time");
                Known { asked: now, ..before }
            }
        };
        *self.0.known.lock().unwrap_or_else(PoisonError::into_inner) = after;
    }

    fn known(&self) -> Known {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").finish_non_exhaustive()
    }
}

// === impl Known ===

impl Known {
    fn is_younger_than(&self, age: Duration) -> bool {
        self.fetched.is_some_and(|fetched| fetched.elapsed() < age)
    }

    fn was_just_asked(&self) -> bool {
        self.asked.is_some_and(|asked| asked.elapsed() < PATIENCE)
    }
}

/// The keys that may be used, by id: Ed25519 signature keys, no id twice.
fn usable(keys: Vec<Jwk>) -> HashMap<String, Arc<DecodingKey>> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for key in &keys {
        *counts.entry(key.kid.clone()).or_default() += 1;
    }
    let alone = keys.into_iter().filter(|key| counts.get(&key.kid) == Some(&1));
    alone.filter_map(|key| Some((key.kid.clone(), Arc::new(decoding_key(&key)?)))).collect()
}

fn decoding_key(key: &Jwk) -> Option<DecodingKey> {
    let is_ours =
        key.kty == "OKP" && key.crv == "Ed25519" && key.alg == "EdDSA" && key.r#use == "sig";
    let raw = URL_SAFE_NO_PAD.decode(&key.x).ok().filter(|raw| raw.len() == 32 && is_ours)?;
    Some(DecodingKey::from_ed_der(&raw))
}
