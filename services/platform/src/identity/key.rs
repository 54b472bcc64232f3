//! What an API key looks like: `mst_`, an id, `_`, a secret and a checksum.
//!
//! The beginning is for those who look for leaked keys, the checksum lets them, and
//! us, tell a key from what only looks like one without asking anybody.

use std::str::FromStr;

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use uuid::Uuid;

/// What every key begins with.
pub const PREFIX: &str = "mst_";

const SECRET_BYTES: usize = 32;
/// 32 bits, in hexadecimal digits.
const CHECKSUM: usize = 8;

/// An API key. Only its owner knows it, and it is never shown by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    id: Uuid,
    text: String,
}

/// It is no API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an API key, `mst_…`: mainstay admin service-key NAME makes one")]
pub struct InvalidKey;

// === impl ApiKey ===

impl ApiKey {
    /// Makes a new key.
    #[expect(clippy::expect_used, reason = "without randomness nothing here is safe to go on")]
    pub fn random() -> Self {
        let mut secret = [0; SECRET_BYTES];
        aws_lc_rs::rand::fill(&mut secret).expect("the system's random numbers");
        let id = Uuid::now_v7();
        let text = format!("{PREFIX}{}_{}", id.simple(), hex(&secret));
        let checksum = checksum(&text);
        Self { id, text: text + &checksum }
    }

    /// Which key it is. That is no secret.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The key itself, for its owner.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What is stored of it. It is too random to need salt or work.
    pub fn hash(&self) -> Vec<u8> {
        sha256(&self.text)
    }

    /// Whether this is what was stored. Takes the same time for every other key.
    pub fn has_hash(&self, stored: &[u8]) -> bool {
        verify_slices_are_equal(&self.hash(), stored).is_ok()
    }
}

impl FromStr for ApiKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_whole = text
            .len()
            .checked_sub(CHECKSUM)
            .and_then(|end| text.split_at_checked(end))
            .is_some_and(|(rest, sum)| sum == checksum(rest));
        let id = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_'));
        let id = id.filter(|(id, secret)| is_hex(id, 32) && is_hex(secret, SECRET_BYTES * 2 + 8));
        match id.and_then(|(id, _)| Uuid::try_parse(id).ok()) {
            Some(id) if is_whole => Ok(Self { id, text: text.to_owned() }),
            _ => Err(InvalidKey),
        }
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiKey({}, …)", self.id)
    }
}

/// The first digits of its SHA-256.
fn checksum(text: &str) -> String {
    let mut digits = hex(&sha256(text));
    digits.truncate(CHECKSUM);
    digits
}

fn sha256(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |byte: u8| char::from_digit(byte.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn is_hex(text: &str, digits: usize) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    text.len() == digits && text.as_bytes().iter().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back_and_known_by_their_hash_only() {
        let (key, other) = (ApiKey::random(), ApiKey::random());
        let read: ApiKey = key.expose().parse().unwrap();
        assert_eq!(read, key);
        assert!(key.has_hash(&read.hash()) && !key.has_hash(&other.hash()));
        assert!(!key.has_hash(&[]));
        let secret = key.expose().rsplit('_').next().unwrap();
        assert!(!format!("{key:?}").contains(secret));
    }

    #[test]
    fn a_mistyped_key_is_none() {
        let text = ApiKey::random().expose().to_owned();
        let simple = Uuid::now_v7().simple().to_string();
        let swapped = text.replacen(['1', '2'], "3", 1);
        let mut short = text.clone();
        short.pop();
        let long = {
            let rest = format!("{PREFIX}{simple}_{}", "0".repeat(66));
            format!("{rest}{}", checksum(&rest))
        };
        for wrong in [
            "",
            "mst_",
            "mst__",
            "é",
            "ééééé",
            text.strip_prefix('m').unwrap(),
            &short,
            &text.to_uppercase(),
            &text.replacen("mst_", "msx_", 1),
            &swapped,
            &format!("{text} "),
            &long,
            &format!("mst_{simple}"),
        ] {
            assert!(wrong == text || wrong.parse::<ApiKey>() == Err(InvalidKey), "{wrong}");
        }
    }
}
