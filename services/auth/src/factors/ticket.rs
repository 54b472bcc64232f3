//! Tickets: what we have to remember of a caller, sealed and carried by themselves.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use platform::seal::{MasterKey, Sealer};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// As long as a person may take to find their phone.
const MINUTES: i64 = 5;

/// Issues tickets and reads them.
#[derive(Debug)]
pub(crate) struct Tickets(Sealer);

/// What a ticket is for; one for another purpose is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The first half of a sign-in is done.
    Challenge,
    /// A passkey is being made.
    Registration,
    /// A passkey is being used.
    Assertion,
}

/// A ticket of ours whose time is not over.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ticket<T> {
    /// What is noted when it is used, so that it is used once.
    pub(super) id: Uuid,
    /// When it ends, in Unix seconds.
    expires_at: i64,
    /// What it says.
    pub(crate) says: T,
}

/// A ticket on its way to a caller.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) text: String,
    pub(crate) expires_at: Timestamp,
}

// === impl Tickets ===

impl Tickets {
    pub(crate) fn new(master: &MasterKey) -> Self {
        Self(master.sealer("auth tickets"))
    }

    /// Seals what a ticket says.
    pub(crate) fn issue<T: Serialize>(&self, purpose: Purpose, says: T) -> Sealed {
        let now = Timestamp::now();
        let expires_at = now.checked_add(SignedDuration::from_mins(MINUTES)).unwrap_or(now);
        let ticket = Ticket { id: Uuid::now_v7(), expires_at: expires_at.as_second(), says };
        // What cannot be written cannot be read either.
        let plain = serde_json::to_vec(&ticket).unwrap_or_default();
        let sealed = self.0.seal(purpose.context(), &plain);
        Sealed { text: URL_SAFE_NO_PAD.encode(sealed), expires_at }
    }

    /// Reads a ticket; none if it is not ours, for something else, or too old.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        text: &str,
    ) -> Option<Ticket<T>> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = self.0.open(purpose.context(), &sealed).ok()?;
        let ticket: Ticket<T> = serde_json::from_slice(&plain).ok()?;
        (ticket.expires_at > Timestamp::now().as_second()).then_some(ticket)
    }
}

// === impl Ticket ===

impl<T> Ticket<T> {
    /// When it ends.
    pub(super) fn expires_at(&self) -> Timestamp {
        Timestamp::from_second(self.expires_at).unwrap_or(Timestamp::MAX)
    }
}

// === impl Purpose ===

impl Purpose {
    fn context(self) -> &'static [u8] {
        match self {
            Self::Challenge => b"challenge",
            Self::Registration => b"passkey registration",
            Self::Assertion => b"passkey assertion",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets(byte: u8) -> Tickets {
        Tickets::new(&URL_SAFE_NO_PAD.encode([byte; 32]).parse().unwrap())
    }

    #[test]
    fn tickets_are_good_for_their_purpose_and_where_they_come_from() {
        let ours = tickets(1);
        let text = ours.issue(Purpose::Challenge, "ann").text;
        assert!(text.len() < 1024);
        let ticket: Ticket<String> = ours.read(Purpose::Challenge, &text).unwrap();
        assert_eq!(ticket.says, "ann");
        assert!(ours.read::<String>(Purpose::Assertion, &text).is_none());
        assert!(tickets(2).read::<String>(Purpose::Challenge, &text).is_none());
        for wrong in ["", "?", text.get(1..).unwrap(), "AAAA"] {
            assert!(ours.read::<String>(Purpose::Challenge, wrong).is_none());
        }
    }

    #[test]
    fn tickets_end() {
        let ours = tickets(1);
        let old = Ticket { id: Uuid::nil(), expires_at: 0, says: 1 };
        let sealed = ours.0.seal(Purpose::Challenge.context(), &serde_json::to_vec(&old).unwrap());
        assert!(ours.read::<i32>(Purpose::Challenge, &URL_SAFE_NO_PAD.encode(sealed)).is_none());
    }
}
