//! What verifiers of tokens must know at once: keys, ended sessions, refused users.
//!
//! The database writes it down in the transaction of whatever causes it (triggers of
//! migrations V7 and V8), so that neither a new way to end a session nor another
//! process can forget to. Every auth process follows the database and tells all who
//! watch.

mod follow;
mod hub;
mod rpc;
mod store;

use std::collections::{BTreeMap, HashSet};

use platform::time::to_proto;
use proto::auth::v1::{Refusal, TrustPhase, WatchTrustResponse};
use uuid::Uuid;

pub(crate) use self::{
    follow::Follow,
    hub::Hub,
    rpc::Rpc,
    store::{restore_user, revoke_sessions, suspend_user},
};
use jiff::Timestamp;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Event {
    id: i64,
    what: What,
    until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    SessionEnded(Uuid),
    UserRefused(Uuid),
    UserRestored(Uuid),
    KeysChanged,
}

/// What the database answers when asked for news.
#[derive(Debug)]
struct News {
    /// Transactions from here on may still have something to tell.
    horizon: String,
    /// In the order in which things were done.
    events: Vec<Event>,
}

/// How far the database was followed.
///
/// A transaction may be committed long after another that began later. So each look
/// begins with the oldest transaction that was under way at the last one, and what
/// was seen then is passed over.
#[derive(Debug)]
struct Seen {
    horizon: String,
    events: HashSet<i64>,
}

// === impl Seen ===

impl Default for Seen {
    /// Nothing.
    fn default() -> Self {
        Self { horizon: "0".to_owned(), events: HashSet::new() }
    }
}

impl Seen {
    /// What of the news was not seen yet.
    fn unseen(&self, news: &News) -> Vec<Event> {
        news.events.iter().filter(|event| !self.events.contains(&event.id)).copied().collect()
    }

    /// Goes on from here.
    fn advance(&mut self, news: News) {
        self.events = news.events.iter().map(|event| event.id).collect();
        self.horizon = news.horizon;
    }
}

/// Words events as a message; the last word about a user counts.
fn worded(events: &[Event]) -> WatchTrustResponse {
    let mut message = WatchTrustResponse::default();
    let mut users = BTreeMap::new();
    for Event { what, until, .. } in events {
        let until = until.map(to_proto);
        match what {
            What::SessionEnded(id) => message.sessions.push(Refusal { id: id.to_string(), until }),
            What::UserRefused(id) => drop(users.insert(id, Some(until))),
            What::UserRestored(id) => drop(users.insert(id, None)),
            What::KeysChanged => {}
        }
    }
    for (id, refused) in users {
        match refused {
            Some(until) => message.users.push(Refusal { id: id.to_string(), until }),
            None => message.restored_user_ids.push(id.to_string()),
        }
    }
    message.set_phase(TrustPhase::Change);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: i64, what: What) -> Event {
        Event { id, what, until: None }
    }

    fn news(horizon: &str, ids: &[i64]) -> News {
        let events = ids.iter().map(|id| event(*id, What::KeysChanged)).collect();
        News { horizon: horizon.to_owned(), events }
    }

    #[test]
    fn what_is_committed_late_is_told_and_nothing_twice() {
        let mut seen = Seen::default();
        let ids = |events: Vec<Event>| events.iter().map(|it| it.id).collect::<Vec<_>>();
        let first = news("10", &[1, 3]);
        assert_eq!(ids(seen.unseen(&first)), [1, 3]);
        seen.advance(first);
        // The transaction of 2 began before that of 3 and has just been committed.
        let second = news("10", &[1, 2, 3, 4]);
        assert_eq!(ids(seen.unseen(&second)), [2, 4]);
        seen.advance(second);
        assert_eq!(seen.horizon, "10");
        assert!(seen.unseen(&news("12", &[4])).is_empty());
    }

    #[test]
    fn the_last_word_about_a_user_counts() {
        let (ann, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let message = worded(&[
            event(1, What::UserRefused(ann)),
            event(2, What::UserRestored(bob)),
            event(3, What::UserRestored(ann)),
            event(4, What::UserRefused(bob)),
        ]);
        assert_eq!(message.restored_user_ids, [ann.to_string()]);
        assert_eq!(message.users.len(), 1);
        assert_eq!(message.users[0].id, bob.to_string());
    }
}
