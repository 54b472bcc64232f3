//! All who watch, and what they are told.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use platform::trust::{Broken, Trust};
use proto::auth::v1::{TrustPhase, TrustedKey, WatchTrustResponse};
use tokio::sync::broadcast::{self, Receiver, Sender};

/// Whoever is further behind must ask anew.
const BEHIND: usize = 256;

/// Tells what is trusted.
#[derive(Clone, Debug)]
pub(crate) struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    trust: Trust,
    feed: Sender<WatchTrustResponse>,
    /// Held while something is told or somebody begins to listen, so that nothing
    /// falls between a snapshot and the changes after it.
    turn: Mutex<()>,
}

// === impl Hub ===

impl Hub {
    /// Tells what is known here.
    pub(crate) fn new(trust: Trust) -> Self {
        let feed = broadcast::channel(BEHIND).0;
        Self(Arc::new(Inner { trust, feed, turn: Mutex::default() }))
    }

    /// What is known here.
    pub(crate) fn trust(&self) -> Trust {
        self.0.trust.clone()
    }

    /// Everything, and a feed of what changes from then on.
    pub(super) fn subscribe(&self) -> (Vec<WatchTrustResponse>, Receiver<WatchTrustResponse>) {
        let _turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
        (self.0.trust.snapshot(), self.0.feed.subscribe())
    }

    /// Begins with what is known at the start.
    pub(super) fn begin(
        &self,
        mut all: WatchTrustResponse,
        keys: Vec<TrustedKey>,
        at: Instant,
    ) -> Result<(), Broken> {
        all.keys = keys;
        all.set_phase(TrustPhase::SnapshotEnd);
        self.tell(all, at)
    }

    /// Tells what has changed, or that nothing has, as it was at a moment.
    pub(super) fn tell_change(
        &self,
        mut change: WatchTrustResponse,
        at: Instant,
    ) -> Result<(), Broken> {
        let is_empty = change.keys.is_empty()
            && change.sessions.is_empty()
            && change.users.is_empty()
            && change.restored_user_ids.is_empty();
        let sequence = self.0.trust.sequence();
        change.set_phase(if is_empty { TrustPhase::Heartbeat } else { TrustPhase::Change });
        change.sequence = if is_empty { sequence } else { sequence.wrapping_add(1) };
        self.tell(change, at)
    }

    fn tell(&self, message: WatchTrustResponse, at: Instant) -> Result<(), Broken> {
        let _turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.trust.hear(&message, at)?;
        // Nobody may be listening.
        drop(self.0.feed.send(message));
        Ok(())
    }
}
