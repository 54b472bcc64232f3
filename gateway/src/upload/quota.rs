//! How many bytes a caller may send in an hour.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::sync::Cache;

use super::refused::Refused;
use crate::holder::Holder;

const HOUR: Duration = Duration::from_hours(1);
pub(crate) const PER_HOUR: u64 = 1024 * 1024 * 1024;
/// More callers than this at once are an attack, and the rate limits' business.
const CALLERS: u64 = 100_000;

/// What every caller has sent since their hour began.
#[derive(Clone, Debug)]
pub(crate) struct Quota(Cache<Holder, Arc<Hour>>);

#[derive(Debug)]
struct Hour {
    began: Instant,
    bytes: AtomicU64,
}

/// What one request adds.
#[derive(Debug)]
pub(super) struct Account {
    hour: Arc<Hour>,
    charged: AtomicU64,
}

// === impl Quota ===

impl Default for Quota {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(CALLERS).time_to_live(HOUR).build())
    }
}

impl Quota {
    /// The account of a caller, for one request.
    pub(super) fn account(&self, caller: Holder) -> Account {
        let begin = || Arc::new(Hour { began: Instant::now(), bytes: AtomicU64::new(0) });
        let is_known = caller.is_known();
        let hour = if is_known { self.0.get_with(caller, begin) } else { begin() };
        Account { hour, charged: AtomicU64::new(0) }
    }
}

// === impl Account ===

impl Account {
    /// Whether so many bytes are left.
    pub(super) fn has_room(&self, bytes: u64) -> Result<(), Refused> {
        let sent = self.hour.bytes.load(Ordering::Relaxed);
        if sent.saturating_add(bytes) <= PER_HOUR {
            return Ok(());
        }
        Err(Refused::OverQuota(HOUR.saturating_sub(self.hour.began.elapsed())))
    }

    /// Counts bytes that were sent.
    pub(super) fn charge(&self, bytes: u64) -> Result<(), Refused> {
        self.has_room(bytes)?;
        self.hour.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.charged.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Counts none of this request's bytes.
    pub(super) fn give_back(&self) {
        let charged = self.charged.swap(0, Ordering::Relaxed);
        self.hour.bytes.fetch_sub(charged, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_caller_has_a_quota_of_their_own() {
        let quota = Quota::default();
        let account = |name: &str| quota.account(Holder::User(name.to_owned()));
        account("ann").charge(PER_HOUR - 1).unwrap();
        let again = account("ann");
        again.charge(1).unwrap();
        let Err(Refused::OverQuota(wait)) = again.charge(1) else { panic!("is over the quota") };
        assert!(wait <= HOUR && wait > Duration::from_mins(59), "{wait:?}");
        account("bob").charge(1).unwrap();
        again.give_back();
        account("ann").charge(1).unwrap();
        account("ann").has_room(1).unwrap_err();
    }
}
