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
                    reader.problem(format!("MAINSTAY_PREVIOUS_SECRET_KEYS: each {error}"))
                }
            }
        }
        Self { previous, ..current }
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

    /// The current one first.
    fn replaced(bytes: &[u8]) -> MasterKey {
        let keys: Vec<_> = bytes.iter().map(|byte| URL_SAFE_NO_PAD.encode([*byte; 32])).collect();
        let pairs = [
            ("MAINSTAY_SECRET_KEY".to_owned(), keys[0].clone()),
            ("MAINSTAY_PREVIOUS_SECRET_KEYS".to_owned(), keys[1..].join(",")),
        ];
        let mut reader = Reader::from_pairs(pairs);
        let key = MasterKey::read(&mut reader);
        reader.finish(key).unwrap()
    }

    #[test]
    fn what_a_replaced_key_has_sealed_opens_and_nothing_is_sealed_with_it() {
        let (old, new) = (master(1), replaced(&[3, 2, 1]));
        let by_old = old.sealer("a").seal(b"c", b"plain");
        assert_eq!(new.sealer("a").open(b"c", &by_old).unwrap(), b"plain");
        new.sealer("b").open(b"c", &by_old).unwrap_err();
        new.sealer("a").open(b"d", &by_old).unwrap_err();
        let by_new = new.sealer("a").seal(b"c", b"plain");
        old.sealer("a").open(b"c", &by_new).unwrap_err();
        assert_eq!(master(3).sealer("a").open(b"c", &by_new).unwrap(), b"plain");

        let steady = old.steady_sealer("a").seal(b"c", b"plain");
        assert_eq!(new.steady_sealer("a").open(b"c", &steady).unwrap(), b"plain");
        assert_ne!(new.steady_sealer("a").seal(b"c", b"plain"), steady);
        master(3).steady_sealer("a").open(b"c", &steady).unwrap_err();
    }

    #[test]
    fn a_replaced_key_that_is_none_is_told_and_not_shown() {
        let pairs = [
            ("MAINSTAY_SECRET_KEY".to_owned(), URL_SAFE_NO_PAD.encode([1; 32])),
            ("MAINSTAY_PREVIOUS_SECRET_KEYS".to_owned(), "hunter2".to_owned()),
        ];
        let mut reader = Reader::from_pairs(pairs);
        let key = MasterKey::read(&mut reader);
        let error = reader.finish(key).unwrap_err().to_string();
        assert!(error.contains("MAINSTAY_PREVIOUS_SECRET_KEYS: each must be 32"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn keys_of_the_wrong_length_are_refused() {
        for text in ["", "short", &URL_SAFE_NO_PAD.encode([0; 31]), "*"] {
            text.parse::<MasterKey>().unwrap_err();
        }
    }
}
