//! Statements of this deployment that others can check: Ed25519 signatures with a
//! key that follows from the master key.

use std::{fmt, str::FromStr};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::seal::MasterKey;

/// Signs statements of one kind.
pub struct Signer(Ed25519KeyPair);

/// What checks the signatures of a [`Signer`]; in base64url as text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// A public key is not what it must be.
#[derive(Debug, thiserror::Error)]
#[error("must be 32 bytes in base64url without padding (43 characters)")]
pub struct InvalidKey;

// === impl Signer ===

impl Signer {
    /// The signer for a purpose; the key must be of no other use.
    #[expect(clippy::expect_used, reason = "a seed of Ed25519 is any 32 bytes")]
    pub fn new(master: &MasterKey, purpose: &'static str) -> Self {
        let seed = master.bytes(purpose);
        Self(Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes"))
    }

    /// What checks its signatures.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    /// Signs a statement.
    pub fn sign(&self, statement: &[u8]) -> Vec<u8> {
        self.0.sign(statement).as_ref().to_vec()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.public()).finish()
    }
}

// === impl PublicKey ===

impl PublicKey {
    /// Whether somebody with the private half signed a statement.
    pub fn has_signed(&self, statement: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(statement, signature).is_ok()
    }

    /// The key itself.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(s).map_err(|_not_base64| InvalidKey)?;
        bytes.try_into().map(Self).map_err(|_wrong_length| InvalidKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(byte: u8, purpose: &'static str) -> Signer {
        let master = URL_SAFE_NO_PAD.encode([byte; 32]).parse().unwrap();
        Signer::new(&master, purpose)
    }

    #[test]
    fn a_signature_is_good_for_its_statement_and_purpose_only() {
        let signer_a = signer(1, "a");
        let signature = signer_a.sign(b"statement");
        let public: PublicKey = signer_a.public().to_string().parse().unwrap();
        assert!(public.has_signed(b"statement", &signature));
        assert!(!public.has_signed(b"statemenT", &signature));
        assert!(!public.has_signed(b"statement", &signature[1..]));
        for other in [signer(1, "b"), signer(2, "a")] {
            assert!(!other.public().has_signed(b"statement", &signature));
        }
        "short".parse::<PublicKey>().unwrap_err();
    }
}
