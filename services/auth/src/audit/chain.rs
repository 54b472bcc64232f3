//! The chain: what exactly the hash of an event covers.

use aws_lc_rs::{digest, hmac};
use jiff::Timestamp;
use uuid::Uuid;

/// What stands for the place before the first one.
pub(crate) const GENESIS: [u8; 32] = [0; 32];

/// An event in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) position: i64,
    pub(crate) chained_at: Timestamp,
    pub(crate) sequence: i64,
    pub(crate) occurred_at: Timestamp,
    pub(crate) kind: String,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) subject_id: Option<Uuid>,
    pub(crate) session_id: Option<Uuid>,
    pub(crate) request_id: String,
    pub(crate) details: String,
    pub(crate) private_mark: Vec<u8>,
}

/// A digest over fields none of which can be mistaken for part of another.
pub(crate) struct Canon(digest::Context);

// === impl Entry ===

impl Entry {
    /// The hash of this place, which covers the places before.
    pub(crate) fn hash(&self, previous: &[u8]) -> Vec<u8> {
        Canon::of("mainstay audit event 1")
            .bytes(previous)
            .number(self.position)
            .time(self.chained_at)
            .number(self.sequence)
            .time(self.occurred_at)
            .bytes(self.kind.as_bytes())
            .id(self.actor_id)
            .id(self.subject_id)
            .id(self.session_id)
            .bytes(self.request_id.as_bytes())
            .bytes(self.details.as_bytes())
            .bytes(&self.private_mark)
            .finish()
    }
}

/// What the chain keeps of what is private: nobody can guess it once the salt is
/// erased. Empty if there is nothing private.
pub(crate) fn mark(salt: &[u8], private: &str) -> Vec<u8> {
    if private.is_empty() {
        return Vec::new();
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, salt);
    hmac::sign(&key, private.as_bytes()).as_ref().to_vec()
}

// === impl Canon ===

impl Canon {
    /// Begins with the name and the version of what is digested.
    pub(crate) fn of(what: &str) -> Self {
        Self(digest::Context::new(&digest::SHA256)).bytes(what.as_bytes())
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(&bytes.len().to_be_bytes());
        self.0.update(bytes);
        self
    }

    pub(crate) fn number(mut self, number: i64) -> Self {
        self.0.update(&number.to_be_bytes());
        self
    }

    /// Microseconds are what the database keeps.
    pub(crate) fn time(self, time: Timestamp) -> Self {
        self.number(time.as_microsecond())
    }

    pub(crate) fn id(self, id: Option<Uuid>) -> Self {
        self.bytes(id.as_ref().map_or(&[], |id| id.as_bytes()))
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let time = Timestamp::from_microsecond(1_795_392_000_000_001).unwrap();
        Entry {
            position: 1,
            chained_at: time,
            sequence: 2,
            occurred_at: time,
            kind: "session.created".to_owned(),
            actor_id: Some(Uuid::from_u128(1)),
            subject_id: None,
            session_id: Some(Uuid::from_u128(2)),
            request_id: "r".to_owned(),
            details: "{}".to_owned(),
            private_mark: mark(&[1], "x"),
        }
    }

    #[test]
    fn a_hash_covers_every_field_and_the_place_before() {
        let later = Timestamp::from_microsecond(1_795_392_000_000_002).unwrap();
        let others = [
            Entry { position: 2, ..entry() },
            Entry { chained_at: later, ..entry() },
            Entry { sequence: 3, ..entry() },
            Entry { occurred_at: later, ..entry() },
            Entry { kind: "session.create".to_owned(), ..entry() },
            Entry { actor_id: None, subject_id: Some(Uuid::from_u128(1)), ..entry() },
            Entry { actor_id: Some(Uuid::nil()), ..entry() },
            Entry { session_id: None, ..entry() },
            Entry { request_id: "r{}".to_owned(), details: String::new(), ..entry() },
            Entry { details: "{ }".to_owned(), ..entry() },
            Entry { private_mark: mark(&[2], "x"), ..entry() },
            Entry { private_mark: Vec::new(), ..entry() },
        ];
        let hash = entry().hash(&GENESIS);
        assert_eq!(hash, entry().hash(&GENESIS));
        assert_ne!(hash, entry().hash(&[1; 32]));
        for other in others {
            assert_ne!(hash, other.hash(&GENESIS), "{other:?}");
        }
    }
}
