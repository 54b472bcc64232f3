//! Requests that may be sent again: what an idempotency key stands for.
//!
//! A key counts for one caller and one method. A caller who has not signed in
//! cannot be told from others, and an address would change between two tries; so
//! there the request itself is part of what the key stands for: whoever repeats
//! it word by word, passwords included, is the one who made it.

use aws_lc_rs::{digest, hmac};
use http::{HeaderMap, HeaderValue};
use tonic::Status;
use uuid::Uuid;

use crate::{
    seal::{MasterKey, Sealer, Unsealable},
    status::{self, Reason},
};

/// The metadata that holds a key.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The metadata of a reply that was given before.
pub const IDEMPOTENT_REPLAYED: &str = "idempotent-replayed";

const LONGEST: usize = 255;

/// A request that its caller may send again, and the key they recognise it by.
#[derive(Clone, Debug)]
pub struct Repeatable {
    key: String,
    method: String,
    caller: Option<Uuid>,
    request: Vec<u8>,
}

/// Recognises requests and seals what they came to.
///
/// What it stores tells neither requests nor replies to whoever reads it without
/// the master key: a request may hold a password, and a reply a token.
#[derive(Debug)]
pub struct Seals {
    mark: hmac::Key,
    /// Of master keys that were replaced.
    older: Vec<hmac::Key>,
    sealer: Sealer,
}

/// What is stored of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Caller, method and key.
    pub id: Vec<u8>,
    /// What was asked.
    pub request: Vec<u8>,
}

/// Reads the key of a request; none if it has none.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, Status> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let key = parse(first).filter(|_| given.next().is_none());
    key.map(Some).ok_or_else(|| status::refuse(Reason::IDEMPOTENCY_KEY_INVALID))
}

/// Reads a key, with or without the quotes of RFC 8941.
fn parse(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?.trim();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let key = inner.unwrap_or(text);
    let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    (is_visible && (1..=LONGEST).contains(&key.len())).then(|| key.to_owned())
}

// === impl Repeatable ===

impl Repeatable {
    /// What a key stands for. The request is digested here: its bytes are not kept.
    pub(crate) fn new(key: String, method: &str, caller: Option<Uuid>, request: &[u8]) -> Self {
        let request = digest::digest(&digest::SHA256, request).as_ref().to_vec();
        Self { key, method: method.to_owned(), caller, request }
    }
}

// === impl Seals ===

impl Seals {
    /// Derives what is needed from the secret of the deployment.
    pub fn new(master: &MasterKey) -> Self {
        let keys = master.all_bytes("idempotency marks");
        let mut keys = keys.map(|bytes| hmac::Key::new(hmac::HMAC_SHA256, &bytes));
        #[expect(clippy::expect_used, reason = "there is always a current key")]
        let mark = keys.next().expect("a current key");
        let older = keys.collect();
        Self { mark, older, sealer: master.sealer("idempotent replies") }
    }

    /// What is stored of a request.
    pub fn marks(&self, request: &Repeatable) -> Marks {
        marks(&self.mark, request)
    }

    /// What is stored of it if that was before the master key was replaced.
    pub fn older_marks(&self, request: &Repeatable) -> Vec<Marks> {
        self.older.iter().map(|key| marks(key, request)).collect()
    }

    /// Seals a reply for whoever sends the request again.
    pub fn seal(&self, marks: &Marks, reply: &[u8]) -> Vec<u8> {
        self.sealer.seal(&marks.id, reply)
    }

    /// Opens a reply.
    pub fn open(&self, marks: &Marks, sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        self.sealer.open(&marks.id, sealed)
    }
}

fn marks(key: &hmac::Key, request: &Repeatable) -> Marks {
    let Repeatable { key: name, method, caller, request } = request;
    let caller = match caller {
        Some(user_id) => user_id.as_bytes(),
        None => request.as_slice(),
    };
    Marks {
        id: mark(key, [caller, method.as_bytes(), name.as_bytes()]),
        request: mark(key, [b"request", request]),
    }
}

/// Each part with its length, so that none runs into the next.
fn mark<const N: usize>(key: &hmac::Key, parts: [&[u8]; N]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    context.sign().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn keys_are_visible_text_with_or_without_quotes() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                headers.append(IDEMPOTENCY_KEY, value);
            }
            key(&headers)
        };
        assert_eq!(read(&[]).unwrap(), None);
        let longest = "k".repeat(255);
        for (given, expected) in
            [("a-1", "a-1"), ("\"a-1\"", "a-1"), (" a ", "a"), (&longest, &longest), ("\"", "\"")]
        {
            assert_eq!(read(&[given]).unwrap().as_deref(), Some(expected), "{given}");
        }
        let too_long = "k".repeat(256);
        for bad in [&["" as &str][..], &["\"\""], &["a b"], &["é"], &[&too_long], &["a", "a"]] {
            let refused = read(bad).unwrap_err();
            assert_eq!(status::reason_of(&refused), Some(Reason::IDEMPOTENCY_KEY_INVALID));
        }
    }

    fn seals(byte: u8) -> Seals {
        Seals::new(&URL_SAFE_NO_PAD.encode([byte; 32]).parse().unwrap())
    }

    fn marks(key: &str, method: &str, caller: Option<u128>, request: &str) -> Marks {
        let caller = caller.map(Uuid::from_u128);
        seals(1).marks(&Repeatable::new(key.to_owned(), method, caller, request.as_bytes()))
    }

    #[test]
    fn keys_count_for_one_caller_and_one_method() {
        let first = marks("key", "/a/B", Some(1), "request");
        assert_eq!(first, marks("key", "/a/B", Some(1), "request"));
        let other = marks("key", "/a/B", Some(1), "another");
        assert!(other.id == first.id && other.request != first.request);
        for other in [
            marks("kez", "/a/B", Some(1), "request"),
            marks("key", "/a/C", Some(1), "request"),
            marks("key", "/a/B", Some(2), "request"),
            marks("key", "/a/B", None, "request"),
            marks("Bkey", "/a/", Some(1), "request"),
        ] {
            assert_ne!(other.id, first.id);
        }
    }

    #[test]
    fn strangers_are_told_apart_by_what_they_ask() {
        let first = marks("key", "/a/B", None, "ann");
        assert_eq!(first, marks("key", "/a/B", None, "ann"));
        assert_ne!(first.id, marks("key", "/a/B", None, "bob").id);
    }

    #[test]
    fn what_is_stored_tells_nothing_without_the_master_key() {
        let request = Repeatable::new("key".to_owned(), "/a/B", None, b"password");
        let (ours, theirs) = (seals(1).marks(&request), seals(2).marks(&request));
        assert!(ours.id != theirs.id && ours.request != theirs.request);
        let plain = digest::digest(&digest::SHA256, b"password");
        assert_ne!(ours.request, plain.as_ref());
        let sealed = seals(1).seal(&ours, b"token");
        assert_eq!(seals(1).open(&ours, &sealed).unwrap(), b"token");
        seals(2).open(&ours, &sealed).unwrap_err();
        seals(1).open(&marks("other", "/a/B", None, "x"), &sealed).unwrap_err();
    }
}
