//! How far this process is behind.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time::sleep;

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// One long piece of work delays one look; work that piles up delays them all.
const LOOKS: usize = 4;

/// How late tasks are run. Clones share the measurement.
#[derive(Clone, Debug, Default)]
pub struct Load(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// In microseconds.
    looks: [AtomicU64; LOOKS],
    next: AtomicUsize,
}

// === impl Load ===

impl Load {
    /// The least that any of the last tasks was late.
    pub(super) fn lag(&self) -> Duration {
        let looks = self.0.looks.iter().map(|look| look.load(Ordering::Relaxed));
        Duration::from_micros(looks.min().unwrap_or_default())
    }

    /// Measures for as long as it is polled.
    pub(crate) async fn watch(self) {
        loop {
            let asleep = Instant::now();
            sleep(BETWEEN_LOOKS).await;
            self.note(asleep.elapsed().saturating_sub(BETWEEN_LOOKS));
        }
    }

    pub(super) fn note(&self, lag: Duration) {
        let next = self.0.next.fetch_add(1, Ordering::Relaxed) % LOOKS;
        if let Some(look) = self.0.looks.get(next) {
            look.store(lag.as_micros().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}
