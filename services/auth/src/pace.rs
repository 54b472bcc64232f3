//! Answers that come no sooner than at a fixed time, so that nobody learns from the
//! time what was done until then.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Some times what asking for a letter takes, and answering one.
const ANSWERED_AFTER: Duration = Duration::from_millis(30);

/// When the answer comes.
#[derive(Debug)]
pub(crate) struct Pace(Instant);

// === impl Pace ===

impl Pace {
    /// Begins to count.
    pub(crate) fn begin() -> Self {
        Self(Instant::now() + ANSWERED_AFTER)
    }

    /// Waits for the rest of the time, and hands over what is answered then.
    pub(crate) async fn keep<T>(self, answer: T) -> T {
        sleep_until(self.0).await;
        answer
    }
}
