//! One finished answer and its age.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::conditional::Shown;

/// An answer that is finished but for the coding of its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// What it shows.
    pub(crate) shown: Shown,
    /// The body.
    pub(crate) json: Bytes,
    /// When the service was asked: what it shows is as old as that at most.
    pub(crate) asked: Instant,
    /// For how long anybody may keep it.
    pub(crate) lifetime: Duration,
}

// === impl Finished ===

impl Finished {
    /// How many bytes it takes.
    pub(super) fn len(&self) -> usize {
        self.json.len() + self.shown.next_page.as_ref().map_or(0, String::len)
    }

    /// For how long it may still be shown.
    pub(super) fn fresh_for(&self) -> Duration {
        self.lifetime.saturating_sub(self.asked.elapsed())
    }

    /// Its age in seconds for a request that came at a time: none if it was made
    /// since. Rounded up, so that whoever keeps it further down the road does not
    /// keep it longer than the contract allows all of us together.
    pub(crate) fn age_seconds(&self, came: Instant) -> u64 {
        let age = came.saturating_duration_since(self.asked);
        age.as_secs() + u64::from(age.subsec_nanos() > 0)
    }
}
