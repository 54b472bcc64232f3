//! Secrets at rest and tokens that only we can read: authenticated encryption.

use std::str::FromStr;

use aws_lc_rs::{
    aead::{
        AES_256_GCM, AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, RandomizedNonceKey,
        UnboundKey,
    },
    hkdf::{HKDF_SHA256, KeyType, Salt},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretBox};

use crate::config::{List, Reader};

/// The one secret that all instances of a deployment share: 32 bytes, written
/// in base64url. Every use derives a key of its own from it.
///
/// It can be replaced: what an earlier one has sealed still opens, as long as that
/// one is named, and what is sealed anew is sealed with the current one.
#[derive(Default)]
pub struct MasterKey {
    current: Secret,
    previous: Vec<Secret>,
}

#[derive(Default)]
struct Secret(SecretBox<[u8; 32]>);

/// A key for one purpose: one that seals, and any number that open.
pub struct Sealer {
    current: RandomizedNonceKey,
    previous: Vec<RandomizedNonceKey>,
}

/// A key for what must look the same each time that it is sealed, so that answers
/// that hold it can be compared and kept. Whoever sees two of them learns whether
/// they are the same, and nothing else (RFC 8452, section 9).
pub struct SteadySealer {
    current: LessSafeKey,
    previous: Vec<LessSafeKey>,
}

/// What was sealed cannot be opened: another key, another context, or damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not sealed by us")]
pub struct Unsealable;

/// The master key is not what it must be.
#[derive(Debug, thiserror::Error)]
#[error("must be 32 random bytes in base64url without padding (43 characters)")]
pub struct InvalidMasterKey;

#[derive(Clone, Copy)]
struct KeyLength;

// === impl MasterKey ===

impl MasterKey {
    /// Derives the key that seals things for a purpose.
    pub fn sealer(&self, purpose: &'static str) -> Sealer {
        let previous = self.previous.iter().map(|secret| nonced(&secret.bytes(purpose)));
        Sealer { current: nonced(&self.current.bytes(purpose)), previous: previous.collect() }
    }

    /// Derives the key for a purpose; it must be of no other use.
    pub fn steady_sealer(&self, purpose: &'static str) -> SteadySealer {
        let previous = self.previous.iter().map(|secret| steady(&secret.bytes(purpose)));
        SteadySealer { current: steady(&self.current.bytes(purpose)), previous: previous.collect() }
    }

    /// Reads `MAINSTAY_SECRET_KEY`, and `MAINSTAY_PREVIOUS_SECRET_KEYS`: those that it
    /// has replaced, separated by commas. Each may be in a file (`…_FILE`).
    pub fn read(reader: &mut Reader) -> Self {
        let current: Self = reader.required("MAINSTAY_SECRET_KEY");
        let List(texts) = reader.or("MAINSTAY_PREVIOUS_SECRET_KEYS", List::default());
        let mut previous = Vec::new();
        for text in texts {
            match text.parse::<Self>() {
                Ok(key) => previous.push(key.current),
                Err(error) => {
                    reader.problem(format!("MAINSTAY_PREVIOUS_SECRET_KEYS: each {error}"));
                }
            }
        }
        Self { previous, ..current }
    }

    /// Derives the key for a purpose from the current secret.
    pub(crate) fn bytes(&self, purpose: &'static str) -> [u8; 32] {
        self.current.bytes(purpose)
    }

    /// Derives the key for a purpose from the current secret, and then from those that
    /// it has replaced.
    pub(crate) fn all_bytes(&self, purpose: &'static str) -> impl Iterator<Item = [u8; 32]> {
        [&self.current].into_iter().chain(&self.previous).map(move |secret| secret.bytes(purpose))
    }
}

// === impl Secret ===

impl Secret {
    /// Derives a key for a purpose (RFC 5869).
    #[expect(clippy::expect_used, reason = "HKDF gives 32 bytes")]
    fn bytes(&self, purpose: &'static str) -> [u8; 32] {
        let salt = Salt::new(HKDF_SHA256, b"mainstay");
        let material = salt.extract(self.0.expose_secret());
        let purpose = [purpose.as_bytes()];
        let derived = material.expand(&purpose, KeyLength).expect("a length below the limit");
        let mut key = [0; 32];
        derived.fill(&mut key).expect("the length that was asked for");
        key
    }
}

impl FromStr for MasterKey {
    type Err = InvalidMasterKey;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(s).map_err(|_not_base64| InvalidMasterKey)?;
        let bytes = bytes.try_into().map_err(|_wrong_length| InvalidMasterKey)?;
        let current = Secret(SecretBox::new(Box::new(bytes)));
        Ok(Self { current, previous: Vec::new() })
    }
}

/// A key whose nonces are drawn.
#[expect(clippy::expect_used, reason = "AES-256 takes 32 bytes")]
fn nonced(key: &[u8; 32]) -> RandomizedNonceKey {
    RandomizedNonceKey::new(&AES_256_GCM, key).expect("32 bytes")
}

/// A key whose nonce is always the same.
#[expect(clippy::expect_used, reason = "AES-256 takes 32 bytes")]
fn steady(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, key).expect("32 bytes"))
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

// === impl Sealer ===

impl Sealer {
    /// A key that is used for one purpose only and comes from elsewhere.
    pub fn from_key(key: &[u8; 32]) -> Self {
        Self { current: nonced(key), previous: Vec::new() }
    }

    /// Encrypts; `context` must be the same when the result is opened.
    #[expect(clippy::expect_used, reason = "what we seal is far below the limit of AES-GCM")]
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut sealed = plain.to_vec();
        let aad = Aad::from(context);
        let nonce =
            self.current.seal_in_place_append_tag(aad, &mut sealed).expect("a short message");
        sealed.splice(0..0, nonce.as_ref().iter().copied());
        sealed
    }

    /// Decrypts what was sealed in the same context.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(Unsealable)?;
        let opened = [&self.current].into_iter().chain(&self.previous).find_map(|key| {
            let (mut buffer, nonce) =
                (rest.to_vec(), Nonce::try_assume_unique_for_key(nonce).ok()?);
            let plain = key.open_in_place(nonce, Aad::from(context), &mut buffer);
            plain.ok().map(|plain| plain.to_vec())
        });
        opened.ok_or(Unsealable)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

// === impl SteadySealer ===

impl SteadySealer {
    /// Always the same: this key is made for being used so.
    const NONCE: [u8; NONCE_LEN] = [0; NONCE_LEN];

    /// Encrypts; `context` must be the same when the result is opened.
    #[expect(clippy::expect_used, reason = "what we seal is far below the limit of AES-GCM-SIV")]
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let (mut sealed, nonce) = (plain.to_vec(), Nonce::assume_unique_for_key(Self::NONCE));
        let aad = Aad::from(context);
        self.current.seal_in_place_append_tag(nonce, aad, &mut sealed).expect("a short message");
        sealed
    }

    /// Decrypts what was sealed in the same context.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let opened = [&self.current].into_iter().chain(&self.previous).find_map(|key| {
            let mut buffer = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(Self::NONCE);
            let plain = key.open_in_place(nonce, Aad::from(context), &mut buffer);
            plain.ok().map(|plain| plain.to_vec())
        });
        opened.ok_or(Unsealable)
    }
}

impl std::fmt::Debug for SteadySealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SteadySealer(…)")
    }
}

#[cfg(test)]
mod tests;
