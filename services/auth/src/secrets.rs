//! Random tokens that only their owner knows.

use aws_lc_rs::{digest, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use platform::seal::{Sealer, Unsealable};

/// 256 random bits, in base64url. The database holds only its hash.
#[derive(Clone)]
pub(crate) struct Token(String);

// === impl Token ===

impl Token {
    /// Draws a new token.
    #[expect(clippy::expect_used, reason = "without randomness nothing here is safe to go on")]
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).expect("the system's random numbers");
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A token that somebody presents.
    pub(crate) fn presented(text: String) -> Self {
        Self(text)
    }

    /// The token itself, for its owner.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    /// What the database knows of it. It is too random to need salt or work.
    pub(crate) fn hash(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.0.as_bytes()).as_ref().to_vec()
    }

    /// Another secret, for one purpose, that only whoever has this token can know.
    pub(crate) fn derive(&self, purpose: &str) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in ["mainstay derived", purpose, &self.0] {
            context.update(part.as_bytes());
            context.update(&[0]);
        }
        URL_SAFE_NO_PAD.encode(context.finish())
    }

    /// Hides a successor so that only the owner of this token can see it.
    pub(crate) fn seal(&self, successor: &Self) -> Vec<u8> {
        self.sealer().seal(b"refresh token successor", successor.0.as_bytes())
    }

    /// Finds the successor that was hidden with this token.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<Self, Unsealable> {
        let plain = self.sealer().open(b"refresh token successor", sealed)?;
        String::from_utf8(plain).map(Self).map_err(|_garbled| Unsealable)
    }

    fn sealer(&self) -> Sealer {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"mainstay successor key");
        context.update(self.0.as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        Sealer::from_key(&key)
    }
}

/// A random number below a bound that is small beside 2^64.
#[expect(clippy::expect_used, reason = "without randomness nothing here is safe to go on")]
pub(crate) fn random_below(bound: u64) -> u64 {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).expect("the system's random numbers");
    u64::from_be_bytes(bytes) % bound
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn tokens_have_256_bits_and_are_never_the_same() {
        let tokens: BTreeSet<_> = (0..1_000).map(|_| Token::random().into_text()).collect();
        assert_eq!(tokens.len(), 1_000);
        for token in tokens {
            assert_eq!(URL_SAFE_NO_PAD.decode(&token).unwrap().len(), 32, "{token}");
        }
    }

    #[test]
    fn what_is_derived_differs_by_token_and_purpose() {
        let (token, other) = (Token::random(), Token::random());
        assert_eq!(token.derive("a"), token.derive("a"));
        assert_ne!(token.derive("a"), token.derive("b"));
        assert_ne!(token.derive("a"), other.derive("a"));
        assert_eq!(token.derive("a").len(), 43);
    }

    #[test]
    fn successors_are_seen_by_the_owner_only() {
        let (token, successor) = (Token::random(), Token::random());
        let sealed = token.seal(&successor);
        assert_eq!(token.open(&sealed).unwrap().0, successor.0);
        Token::random().open(&sealed).unwrap_err();
        assert_ne!(token.hash(), successor.hash());
    }
}
