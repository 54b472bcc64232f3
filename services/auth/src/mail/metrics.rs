//! What operators see of letters.

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge},
};
use platform::telemetry::{ERROR_TYPE, LETTERS_OLDEST, LETTERS_TRIED, LETTERS_WAITING, OUTCOME};

use super::{carrier::Outcome, store::Backlog};

/// Counts tries, and tells what waits.
#[derive(Debug)]
pub(super) struct Metrics {
    tried: Counter<u64>,
    waiting: Gauge<i64>,
    oldest: Gauge<f64>,
}

// === impl Metrics ===

impl Metrics {
    pub(super) fn new() -> Self {
        let meter = global::meter("mainstay");
        Self {
            tried: meter.u64_counter(LETTERS_TRIED).build(),
            waiting: meter.i64_gauge(LETTERS_WAITING).build(),
            oldest: meter.f64_gauge(LETTERS_OLDEST).with_unit("s").build(),
        }
    }

    /// A try with a letter has ended.
    pub(super) fn tried(&self, outcome: &Outcome) {
        let (word, why) = match outcome {
            Outcome::Sent => ("sent", None),
            Outcome::Again(why) => ("again", Some(why)),
            Outcome::Never(why) => ("never", Some(why)),
        };
        let mut attributes = vec![KeyValue::new(OUTCOME, word)];
        attributes.extend(why.map(|why| KeyValue::new(ERROR_TYPE, why.clone())));
        self.tried.add(1, &attributes);
    }

    /// What is in the queue at the moment.
    pub(super) fn seen(&self, backlog: Backlog) {
        self.waiting.record(backlog.waiting.into(), &[]);
        self.oldest.record(backlog.oldest_seconds, &[]);
    }
}
