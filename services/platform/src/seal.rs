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

/// The one secret that all instances of a deployment share: 32 bytes, written
/// in base64url. Every use derives a key of its own from it.
#[derive(Default)]
pub struct MasterKey(SecretBox<[u8; 32]>);

/// A key for one purpose.
pub struct Sealer(RandomizedNonceKey);

/// A key for what must look the same each time that it is sealed, so that answers
/// that hold it can be compared and kept. Whoever sees two of them learns whether
/// they are the same, and nothing else (RFC 8452, section 9).
pub struct SteadySealer(LessSafeKey);

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
        Sealer::from_key(&self.bytes(purpose))
    }

    /// Derives the key for a purpose; it must be of no other use.
    #[expect(clippy::expect_used, reason = "AES-256 takes 32 bytes")]
    pub fn steady_sealer(&self, purpose: &'static str) -> SteadySealer {
        let key = UnboundKey::new(&AES_256_GCM_SIV, &self.bytes(purpose)).expect("32 bytes");
        SteadySealer(LessSafeKey::new(key))
    }

    /// Derives a key for a purpose (RFC 5869).
    #[expect(clippy::expect_used, reason = "HKDF gives 32 bytes")]
    pub(crate) fn bytes(&self, purpose: &'static str) -> [u8; 32] {
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
        Ok(Self(SecretBox::new(Box::new(bytes))))
    }
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
    #[expect(clippy::expect_used, reason = "AES-256 takes 32 bytes")]
    pub fn from_key(key: &[u8; 32]) -> Self {
        Self(RandomizedNonceKey::new(&AES_256_GCM, key).expect("32 bytes"))
    }

    /// Encrypts; `context` must be the same when the result is opened.
    #[expect(clippy::expect_used, reason = "what we seal is far below the limit of AES-GCM")]
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut sealed = plain.to_vec();
        let aad = Aad::from(context);
        let nonce = self.0.seal_in_place_append_tag(aad, &mut sealed).expect("a short message");
        sealed.splice(0..0, nonce.as_ref().iter().copied());
        sealed
    }

    /// Decrypts what was sealed in the same context.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(Unsealable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_length| Unsealable)?;
        let mut buffer = rest.to_vec();
        let plain = self.0.open_in_place(nonce, Aad::from(context), &mut buffer);
        Ok(plain.map_err(|_forged| Unsealable)?.to_vec())
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
        self.0.seal_in_place_append_tag(nonce, aad, &mut sealed).expect("a short message");
        sealed
    }

    /// Decrypts what was sealed in the same context.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let (mut buffer, nonce) = (sealed.to_vec(), Nonce::assume_unique_for_key(Self::NONCE));
        let plain = self.0.open_in_place(nonce, Aad::from(context), &mut buffer);
        Ok(plain.map_err(|_forged| Unsealable)?.to_vec())
    }
}

impl std::fmt::Debug for SteadySealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SteadySealer(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(byte: u8) -> MasterKey {
        URL_SAFE_NO_PAD.encode([byte; 32]).parse().unwrap()
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let sealer = master(1).sealer("a");
        let sealed = sealer.seal(b"context", b"plain");
        assert_eq!(sealer.open(b"context", &sealed).unwrap(), b"plain");
        assert_ne!(sealer.seal(b"context", b"plain"), sealed, "nonces are fresh");

        sealer.open(b"other", &sealed).unwrap_err();
        master(1).sealer("b").open(b"context", &sealed).unwrap_err();
        master(2).sealer("a").open(b"context", &sealed).unwrap_err();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            sealer.open(b"context", &flipped).unwrap_err();
        }
        for length in 0..sealed.len() {
            sealer.open(b"context", &sealed[..length]).unwrap_err();
        }
    }

    #[test]
    fn what_is_sealed_steadily_looks_the_same_and_is_no_easier_to_forge() {
        let sealer = master(1).steady_sealer("a");
        let sealed = sealer.seal(b"context", b"plain");
        assert_eq!(sealer.seal(b"context", b"plain"), sealed);
        assert_eq!(sealer.open(b"context", &sealed).unwrap(), b"plain");
        assert_ne!(sealer.seal(b"context", b"plain2")[..5], sealed[..5], "not a stream of bytes");

        sealer.open(b"other", &sealed).unwrap_err();
        master(1).steady_sealer("b").open(b"context", &sealed).unwrap_err();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            sealer.open(b"context", &flipped).unwrap_err();
        }
        for length in 0..sealed.len() {
            sealer.open(b"context", &sealed[..length]).unwrap_err();
        }
    }

    #[test]
    fn keys_of_the_wrong_length_are_refused() {
        for text in ["", "short", &URL_SAFE_NO_PAD.encode([0; 31]), "*"] {
            text.parse::<MasterKey>().unwrap_err();
        }
    }
}
