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

use crate::upstream::Upstream;

/// A key that is new is known everywhere within this time.
const FRESH: Duration = Duration::from_mins(5);
/// An unknown key id makes us ask for the keys again, but not more often.
const PATIENCE: Duration = Duration::from_secs(1);

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
pub(super) struct KeyRing {
    source: KeySource,
    known: Mutex<Option<Known>>,
    /// Held while fetching, so that a burst of requests asks once.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Known {
    keys: Arc<HashMap<String, Arc<DecodingKey>>>,
    fetched: Instant,
    asked: Instant,
}

/// Fetches the keys from the auth service.
pub fn fetch_from_auth(auth: &Upstream) -> KeySource {
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
        Self { source, known: Mutex::new(None), fetching: tokio::sync::Mutex::new(()) }
    }

    /// Whether the keys are recent enough to trust what they verified before.
    pub(super) fn is_fresh(&self) -> bool {
        self.known().is_some_and(|known| known.fetched.elapsed() < FRESH)
    }

    pub(super) async fn find(&self, kid: &str) -> Lookup {
        if let Some(key) = self.known().and_then(|known| known.find_fresh(kid)) {
            return Lookup::Found(key);
        }
        let _one_at_a_time = self.fetching.lock().await;
        let before = self.known();
        let has_just_asked = before.as_ref().is_some_and(|known| known.asked.elapsed() < PATIENCE);
        if !has_just_asked {
            self.fetch(before).await;
        }
        match self.known() {
            None => Lookup::NoKeys,
            Some(known) => known.keys.get(kid).cloned().map_or(Lookup::Unknown, Lookup::Found),
        }
    }

    async fn fetch(&self, before: Option<Known>) {
        let now = Instant::now();
        let after = match (self.source)().await {
            Ok(keys) => Some(Known { keys: Arc::new(usable(keys)), fetched: now, asked: now }),
            Err(error) => {
                tracing::warn!(error = crate::fatal::causes(&error), "signing keys not refreshed");
                before.map(|known| Known { asked: now, ..known })
            }
        };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = after;
    }

    fn known(&self) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("is_fresh", &self.is_fresh()).finish_non_exhaustive()
    }
}

// === impl Known ===

impl Known {
    fn find_fresh(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        if self.fetched.elapsed() < FRESH { self.keys.get(kid).cloned() } else { None }
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
