//! What is known of one connection: written by everything that serves it, read
//! by the one who decides how long it may go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

/// A connection under watch.
#[derive(Debug)]
pub(in super::super) struct Watch {
    started: Instant,
    /// Set once the protocol is known.
    is_known: AtomicBool,
    is_http2: AtomicBool,
    is_flooded: AtomicBool,
    /// Whether a body came too slowly.
    has_dawdled: AtomicBool,
    /// Requests so far.
    requests: AtomicU64,
    /// Requests that are being answered.
    active: AtomicUsize,
    /// When the last answer ended.
    quiet: Moment,
    /// Since when a head is incomplete.
    head: Moment,
    /// Since when the connection is being closed.
    closing: Moment,
    /// Whether the other side has no room for what is written.
    is_blocked: AtomicBool,
    /// Parts of answers that wait to be sent.
    unsent: AtomicUsize,
    /// Bytes that the other side took; of HTTP/2 those of bodies only.
    taken: AtomicU64,
}

/// A moment since the start of a connection, in milliseconds and one more; 0 is
/// none.
#[derive(Debug, Default)]
struct Moment(AtomicU64);

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub(super) struct Active(Arc<Watch>);

/// A part of an answer that counts as unsent until it is dropped.
struct Parcel {
    bytes: Bytes,
    watch: Arc<Watch>,
}

/// What can be seen of a connection at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) age: Duration,
    /// Whether it is HTTP/2; none before that is clear.
    pub(super) is_http2: Option<bool>,
    pub(super) has_asked: bool,
    pub(super) is_active: bool,
    /// How long nothing has been asked.
    pub(super) quiet: Duration,
    pub(super) in_head: Option<Duration>,
    pub(super) closing: Option<Duration>,
    /// Whether something waits for the other side to take it.
    pub(super) is_waiting: bool,
    pub(super) taken: u64,
}

// === impl Moment ===

impl Moment {
    fn set(&self, since_start: Duration) {
        let millis = u64::try_from(since_start.as_millis()).unwrap_or(u64::MAX - 1);
        self.0.store(millis + 1, Relaxed);
    }

    fn set_once(&self, start: Instant) {
        if self.0.load(Relaxed) == 0 {
            self.set(start.elapsed());
        }
    }

    fn clear(&self) {
        self.0.store(0, Relaxed);
    }

    fn ago(&self, age: Duration) -> Option<Duration> {
        let millis = self.0.load(Relaxed).checked_sub(1)?;
        Some(age.saturating_sub(Duration::from_millis(millis)))
    }
}

// === impl Watch ===

impl Watch {
    pub(in super::super) fn start() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            is_known: AtomicBool::default(),
            is_http2: AtomicBool::default(),
            is_flooded: AtomicBool::default(),
            has_dawdled: AtomicBool::default(),
            requests: AtomicU64::default(),
            active: AtomicUsize::default(),
            quiet: Moment::default(),
            head: Moment::default(),
            closing: Moment::default(),
            is_blocked: AtomicBool::default(),
            unsent: AtomicUsize::default(),
            taken: AtomicU64::default(),
        })
    }

    pub(super) fn know(&self, is_http2: bool) {
        self.is_http2.store(is_http2, Relaxed);
        self.is_known.store(true, Relaxed);
    }

    pub(super) fn flood(&self) {
        self.is_flooded.store(true, Relaxed);
    }

    pub(super) fn dawdle(&self) {
        self.has_dawdled.store(true, Relaxed);
    }

    pub(super) fn has_dawdled(&self) -> bool {
        self.has_dawdled.load(Relaxed)
    }

    pub(super) fn is_flooded(&self) -> bool {
        self.is_flooded.load(Relaxed)
    }

    /// A head began, and is not complete.
    pub(super) fn begin_head(&self) {
        self.head.set_once(self.started);
    }

    pub(super) fn end_head(&self) {
        self.head.clear();
    }

    pub(super) fn close(&self) {
        self.closing.set_once(self.started);
    }

    pub(super) fn block(&self, is_blocked: bool) {
        self.is_blocked.store(is_blocked, Relaxed);
    }

    pub(super) fn take(&self, bytes: u64) {
        self.taken.fetch_add(bytes, Relaxed);
    }

    pub(super) fn see(&self) -> Seen {
        let age = self.started.elapsed();
        let is_known = self.is_known.load(Relaxed);
        let is_unsent = self.unsent.load(Relaxed) > 0;
        Seen {
            age,
            is_http2: is_known.then(|| self.is_http2.load(Relaxed)),
            has_asked: self.requests.load(Relaxed) > 0,
            is_active: self.active.load(Relaxed) > 0 || is_unsent,
            quiet: self.quiet.ago(age).unwrap_or(age),
            in_head: self.head.ago(age),
            closing: self.closing.ago(age),
            is_waiting: is_unsent || self.is_blocked.load(Relaxed),
            taken: self.taken.load(Relaxed),
        }
    }
}

// === impl Active ===

impl Active {
    /// A request begins to be answered.
    pub(super) fn begin(watch: &Arc<Watch>) -> Self {
        watch.requests.fetch_add(1, Relaxed);
        watch.active.fetch_add(1, Relaxed);
        Self(Arc::clone(watch))
    }

    /// Has a part of the answer count as unsent until nobody needs it any more.
    pub(super) fn parcel(&self, bytes: Bytes) -> Bytes {
        if bytes.is_empty() {
            return bytes;
        }
        self.0.unsent.fetch_add(1, Relaxed);
        Bytes::from_owner(Parcel { bytes, watch: Arc::clone(&self.0) })
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.quiet.set(self.0.started.elapsed());
        self.0.active.fetch_sub(1, Relaxed);
    }
}

// === impl Parcel ===

impl AsRef<[u8]> for Parcel {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.watch.unsent.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_or_thrown_away_is_not_waited_for() {
        let watch = Watch::start();
        let active = Active::begin(&watch);
        let parcel = active.parcel(Bytes::from_static(b"answer"));
        let copy = parcel.slice(2..);
        drop((active, parcel));
        assert!(watch.see().is_active && watch.see().is_waiting);
        assert_eq!(copy, "swer");
        drop(copy);
        assert!(!watch.see().is_active && !watch.see().is_waiting);
    }

    #[tokio::test]
    async fn moments_are_counted_from_where_they_begin() {
        tokio::time::pause();
        let watch = Watch::start();
        tokio::time::advance(Duration::from_secs(3)).await;
        watch.begin_head();
        tokio::time::advance(Duration::from_secs(2)).await;
        watch.begin_head();
        assert_eq!(watch.see().in_head, Some(Duration::from_secs(2)));
        watch.end_head();
        assert_eq!((watch.see().in_head, watch.see().quiet), (None, Duration::from_secs(5)));
        drop(Active::begin(&watch));
        assert_eq!(watch.see().quiet, Duration::ZERO);
    }
}
