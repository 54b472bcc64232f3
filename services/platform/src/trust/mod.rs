//! What is trusted just now: which keys sign, and which sessions and users are
//! refused although their tokens have not expired.
//!
//! Auth makes it of its database; everybody else follows auth's stream. Checking a
//! token reads memory only. Whoever has heard nothing for too long does not know
//! whom to trust, and then trusts nobody.

mod follow;
mod keys;
mod known;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jsonwebtoken::DecodingKey;
use proto::auth::v1::{TrustPhase, WatchTrustResponse};
use tokio::{sync::watch, time::timeout};
use uuid::Uuid;

use self::known::Known;
pub use self::{
    follow::{Follower, HEARTBEAT},
    keys::{UnusableKeys, VerifiedKeySet, thumbprint},
};
use crate::token::{Claims, Refused};

/// How long a verifier believes what it last heard: `MAINSTAY_TRUST_STALE_SECONDS`.
///
/// Auth is started again, or another one answers, within a few seconds; that must
/// not refuse anybody. And whoever cuts a verifier off from auth, to go on with a
/// session that was ended, gains no more than this.
pub const STALE_SECONDS: u32 = 10;

/// No access token may be good for longer: that long an end is remembered.
pub const LONGEST_TOKEN: Duration = Duration::from_hours(1);

/// Callers wait no longer than this for a process that has just started.
const FIRST_WITHIN: Duration = Duration::from_secs(2);

/// How many sessions and users are told in one message.
const PIECE: usize = 2_000;

/// What is trusted, shared by all who ask.
#[derive(Clone)]
pub struct Trust(Arc<Inner>);

struct Inner {
    known: Mutex<Known>,
    /// Whether anything was ever heard.
    has_heard: watch::Sender<bool>,
    stale_after: Duration,
}

/// Why a message of the stream cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// One was missed.
    #[error("a change was missed")]
    Gap,
    /// It is none that we know.
    #[error("an unknown message")]
    Malformed,
    /// The keys are not what keys must be.
    #[error(transparent)]
    Keys(#[from] UnusableKeys),
}

// === impl Trust ===

impl Trust {
    /// Knows nothing yet, and forgets what it knows after this time of silence.
    pub fn new(stale_after: Duration) -> Self {
        let (known, has_heard) = (Mutex::default(), watch::Sender::new(false));
        Self(Arc::new(Inner { known, has_heard, stale_after }))
    }

    /// Whether the bearer of a token that was verified is still trusted.
    pub fn check(&self, claims: &Claims) -> Result<(), Refused> {
        let known = self.known();
        if !known.was_heard_within(self.0.stale_after) {
            return Err(Refused::Unknowable);
        }
        let actor = claims.act.as_ref().is_some_and(|actor| known.refuses_user(actor.sub));
        if actor || known.refuses_session(claims.sid) || known.refuses_user(claims.sub) {
            return Err(Refused::Ended);
        }
        Ok(())
    }

    /// Whether something was heard in the last moment, however short.
    pub fn is_fresh(&self, within: Duration) -> bool {
        self.known().was_heard_within(within)
    }

    /// Counts the changes of keys: what was verified before one is verified anew.
    pub fn generation(&self) -> u64 {
        self.known().generation
    }

    /// The key with an id, and the generation that it is of. A process that has just
    /// started waits a moment for the keys.
    pub(crate) async fn key(&self, kid: &str) -> Result<(Arc<DecodingKey>, u64), Refused> {
        if !*self.0.has_heard.borrow() {
            let mut heard = self.0.has_heard.subscribe();
            // Late is told below.
            drop(timeout(FIRST_WITHIN, heard.wait_for(|heard| *heard)).await);
        }
        let known = self.known();
        if !known.was_heard_within(self.0.stale_after) {
            return Err(Refused::Unknowable);
        }
        let key = known.keys.find(kid).ok_or(Refused::Invalid)?;
        Ok((key, known.generation))
    }

    /// Takes note of a message, which says what was so at a moment.
    pub fn hear(&self, message: &WatchTrustResponse, at: Instant) -> Result<(), Broken> {
        let heard = self.known().hear(message, at)?;
        if heard {
            self.0.has_heard.send_if_modified(|has_heard| !std::mem::replace(has_heard, true));
        }
        Ok(())
    }

    /// The number of the last change.
    pub fn sequence(&self) -> u32 {
        self.known().sequence
    }

    /// Everything that is known, in pieces.
    pub fn snapshot(&self) -> Vec<WatchTrustResponse> {
        let known = self.known();
        let mut pieces = vec![WatchTrustResponse { keys: known.told.clone(), ..known.piece() }];
        for chunk in known.sessions().chunks(PIECE) {
            pieces.push(WatchTrustResponse { sessions: chunk.to_vec(), ..known.piece() });
        }
        for chunk in known.users().chunks(PIECE) {
            pieces.push(WatchTrustResponse { users: chunk.to_vec(), ..known.piece() });
        }
        if let Some(last) = pieces.last_mut() {
            last.set_phase(TrustPhase::SnapshotEnd);
        }
        pieces
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust").field("stale_after", &self.0.stale_after).finish_non_exhaustive()
    }
}

/// An id in a message; what is none names nobody.
fn id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok()
}

#[cfg(test)]
mod tests;
