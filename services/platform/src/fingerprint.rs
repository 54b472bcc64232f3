//! What is to be recognised and not to be known: keyed digests.

use aws_lc_rs::hmac;

use crate::seal::MasterKey;

/// Makes digests for one purpose. Without the master key nobody can tell what they
/// are of, or try what they might be.
pub struct Fingerprints(hmac::Key);

// === impl Fingerprints ===

impl Fingerprints {
    /// Derives the key for a purpose from the secret of the deployment.
    pub fn new(master: &MasterKey, purpose: &'static str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &master.bytes(purpose)))
    }

    /// The digest of several parts, each with its length, so that none runs into
    /// the next.
    pub fn of<const N: usize>(&self, parts: [&[u8]; N]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}

impl std::fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fingerprints(…)")
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn only_the_same_of_the_same_purpose_is_recognised() {
        let master: MasterKey = URL_SAFE_NO_PAD.encode([1; 32]).parse().unwrap();
        let (one, other) = (Fingerprints::new(&master, "a"), Fingerprints::new(&master, "b"));
        assert_eq!(one.of([b"x", b"yz"]), one.of([b"x", b"yz"]));
        assert_ne!(one.of([b"x", b"yz"]), one.of([b"xy", b"z"]));
        assert_ne!(one.of([b"x"]), other.of([b"x"]));
    }
}
