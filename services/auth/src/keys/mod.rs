//! Signing keys: made in time, kept encrypted, published as a JWK set, and turned.
//!
//! A key is published before it signs, so that nobody meets a token whose key they
//! do not know; and after it has signed, until the last of its tokens has expired.

mod rpc;
mod store;

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use platform::{
    seal::{Sealer, Unsealable},
    token::{Claims, TYPE},
    trust::thumbprint,
};
use proto::auth::v1::{Jwk, TrustedKey, TrustedKeyState};
use serde::Serialize;

pub(crate) use self::{
    rpc::Rpc,
    store::{list, load, revoke, rotate, turn},
};

/// What seals signing keys.
pub(crate) const PURPOSE: &str = "auth signing keys";

/// How often keys are replaced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation {
    /// For how many days a key signs.
    pub(crate) days: u32,
}

/// The keys as they are now; others take their place while requests go on.
#[derive(Debug)]
pub(crate) struct KeySet(Mutex<Arc<Keys>>);

/// The keys of this deployment at some time, those that begin to sign last first.
#[derive(Debug)]
pub(crate) struct Keys(Vec<Key>);

struct Key {
    private: EncodingKey,
    public: Jwk,
    signs_from: Timestamp,
    is_retired: bool,
}

/// A key as it is stored.
#[derive(Debug)]
pub(crate) struct Sealed {
    kid: String,
    sealed: Vec<u8>,
    signs_from: Timestamp,
    is_retired: bool,
}

/// What can go wrong with keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "they were encrypted with another MAINSTAY_SECRET_KEY: start with that one, or name it in MAINSTAY_PREVIOUS_SECRET_KEYS"
    )]
    Sealed(#[from] Unsealable),
    #[error("no key could be made or used")]
    Crypto,
    #[error("token could not be signed")]
    Signing(#[from] jsonwebtoken::errors::Error),
    #[error("there is no such key")]
    NotFound,
    #[error(transparent)]
    Database(#[from] database::Error),
}

// === impl KeySet ===

impl KeySet {
    /// Begins with these keys.
    pub(crate) fn new(keys: Keys) -> Self {
        Self(Mutex::new(Arc::new(keys)))
    }

    /// Goes on with others.
    pub(crate) fn replace(&self, keys: Keys) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Signs an access token.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, Error> {
        self.sign_as(TYPE, claims)
    }

    /// Signs something else, whose type keeps it from being taken for an access token.
    pub(crate) fn sign_as(&self, typ: &str, claims: &impl Serialize) -> Result<String, Error> {
        let keys = self.now();
        let key = keys.signing(Timestamp::now()).ok_or(Error::Crypto)?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(typ.to_owned());
        header.kid = Some(key.public.kid.clone());
        Ok(encode(&header, claims, &key.private)?)
    }

    /// The public keys, newest first.
    pub(crate) fn public(&self) -> Vec<Jwk> {
        self.now().0.iter().map(|key| key.public.clone()).collect()
    }

    /// The same, with what each is used for.
    pub(crate) fn trusted(&self) -> Vec<TrustedKey> {
        self.now().trusted()
    }

    fn now(&self) -> Arc<Keys> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl Keys ===

impl Keys {
    /// Opens stored keys, newest first. There is at least one.
    fn open(sealer: &Sealer, stored: &[Sealed]) -> Result<Self, Error> {
        let keys = stored.iter().map(|stored| Key::open(sealer, stored));
        let keys = Self(keys.collect::<Result<_, _>>()?);
        if keys.0.is_empty() { Err(Error::Crypto) } else { Ok(keys) }
    }

    /// The key that signs: every process changes to the next one at the same time.
    fn signing(&self, now: Timestamp) -> Option<&Key> {
        let mut keys = self.0.iter();
        keys.find(|key| key.signs_from <= now && !key.is_retired).or_else(|| self.0.last())
    }

    /// The public keys, and what each is used for.
    pub(crate) fn trusted(&self) -> Vec<TrustedKey> {
        let now = Timestamp::now();
        let signing = self.signing(now).map(|key| &key.public.kid);
        let state = |key: &Key| {
            if Some(&key.public.kid) == signing {
                TrustedKeyState::Signing
            } else if key.signs_from > now {
                TrustedKeyState::Next
            } else {
                TrustedKeyState::Retired
            }
        };
        let told =
            |key: &Key| TrustedKey { key: Some(key.public.clone()), state: state(key).into() };
        self.0.iter().map(told).collect()
    }
}

// === impl Key ===

impl Key {
    /// Makes a key and seals its private half.
    fn generate(sealer: &Sealer) -> Result<(String, Vec<u8>), Error> {
        let pair = Ed25519KeyPair::generate().map_err(|_unspecified| Error::Crypto)?;
        // Version 1 of PKCS#8 is what jsonwebtoken reads.
        let private = pair.to_pkcs8v1().map_err(|_unspecified| Error::Crypto)?;
        let kid = thumbprint(pair.public_key().as_ref());
        let sealed = sealer.seal(kid.as_bytes(), private.as_ref());
        Ok((kid, sealed))
    }

    fn open(sealer: &Sealer, stored: &Sealed) -> Result<Self, Error> {
        let private = sealer.open(stored.kid.as_bytes(), &stored.sealed)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&private);
        let pair = pair.map_err(|_rejected| Error::Crypto)?;
        let public = Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
            kid: stored.kid.clone(),
            alg: "EdDSA".to_owned(),
            r#use: "sig".to_owned(),
        };
        let private = EncodingKey::from_ed_der(&private);
        let Sealed { signs_from, is_retired, .. } = *stored;
        Ok(Self { private, public, signs_from, is_retired })
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("public", &self.public).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(sealer: &Sealer, signs_from: i64, is_retired: bool) -> Sealed {
        let (kid, sealed) = Key::generate(sealer).unwrap();
        let signs_from = Timestamp::from_second(signs_from).unwrap();
        Sealed { kid, sealed, signs_from, is_retired }
    }

    #[test]
    fn keys_open_with_the_right_master_key_only() {
        let sealer = Sealer::from_key(&[1; 32]);
        let stored = [stored(&sealer, 2, false), stored(&sealer, 1, true)];
        let keys = Keys::open(&sealer, &stored).unwrap();
        assert_eq!(keys.0.len(), 2);
        Keys::open(&Sealer::from_key(&[2; 32]), &stored).unwrap_err();
        Keys::open(&sealer, &[]).unwrap_err();
    }

    #[test]
    fn the_next_key_is_published_before_it_signs_and_the_last_one_after() {
        let sealer = Sealer::from_key(&[1; 32]);
        let stored = [(30, false), (20, false), (10, true)];
        let stored = stored.map(|(from, is_retired)| self::stored(&sealer, from, is_retired));
        let keys = Keys::open(&sealer, &stored).unwrap();
        let signing = |now| {
            let key = keys.signing(Timestamp::from_second(now).unwrap()).unwrap();
            stored.iter().position(|it| it.kid == key.public.kid).unwrap()
        };
        assert_eq!([signing(20), signing(29), signing(30), signing(99)], [1, 1, 0, 0]);
        // With a clock that is behind, something signs all the same.
        assert_eq!(signing(5), 2);
        assert_eq!(keys.trusted().len(), 3);
    }
}
