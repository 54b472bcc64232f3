//! Trying again, where that is safe and does not make things worse (gRFC A6).
//!
//! Only the gateway tries again: were every service on the way to do so, one
//! failure would become dozens of calls.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use opentelemetry::{KeyValue, metrics::Counter};
use platform::{
    limits::PUSH_BACK,
    request_id::RequestContext,
    telemetry::{RESULT, RETRIES},
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::Failure;

const MOST_TRIES: u32 = 3;
/// The first pause is up to this long, the next up to twice as long.
const PAUSE: Duration = Duration::from_millis(150);
/// Whoever asks for more patience is better told to the client.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How many retries a service may be burdened with: about one in ten calls, after
/// a reserve for the moment in which a service is started again.
#[derive(Debug)]
pub(super) struct Budget {
    /// In tenths, as a success is worth a tenth of a failure.
    tokens: AtomicU32,
    retries: Counter<u64>,
}

const FULL: u32 = 500;
const HALF: u32 = FULL / 2;
const FAILURE: u32 = 10;
const SUCCESS: u32 = 1;

// === impl Budget ===

impl Default for Budget {
    fn default() -> Self {
        let meter = opentelemetry::global::meter("mainstay");
        Self { tokens: FULL.into(), retries: meter.u64_counter(RETRIES).build() }
    }
}

impl Budget {
    fn earn(&self) {
        self.change(|tokens| (tokens + SUCCESS).min(FULL));
    }

    /// Pays for a failure, and says whether there is enough left to try again.
    fn pay(&self) -> bool {
        self.change(|tokens| tokens.saturating_sub(FAILURE)) > HALF
    }

    fn change(&self, to: impl Fn(u32) -> u32) -> u32 {
        let change = |tokens| Some(to(tokens));
        let before = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
        before.map_or_else(|tokens| tokens, to)
    }

    fn note(&self, result: &'static str) {
        self.retries.add(1, &[KeyValue::new(RESULT, result)]);
    }
}

/// The tries of one call.
#[derive(Debug)]
pub(super) struct Retries<'a> {
    budget: &'a Budget,
    is_idempotent: bool,
    tries: u32,
}

// === impl Retries ===

impl<'a> Retries<'a> {
    /// Of a call that may be made again, or only if no service has seen it.
    pub(super) fn new(budget: &'a Budget, is_idempotent: bool) -> Self {
        Self { budget, is_idempotent, tries: 0 }
    }

    /// The call went well.
    pub(super) fn succeeded(&self) {
        self.budget.earn();
    }

    /// How long to wait before trying again; none if that is not safe, would not
    /// help or costs too much.
    pub(super) fn after(&mut self, failure: &Failure) -> Option<Duration> {
        self.tries += 1;
        let is_safe = match failure {
            Failure::Broken { is_unsent, .. } => *is_unsent || self.is_idempotent,
            Failure::Told(status) if status.code() == Code::Unavailable => self.is_idempotent,
            Failure::Told(_) => {
                self.budget.earn();
                return None;
            }
            Failure::Spared(_) => return None,
        };
        let is_affordable = self.budget.pay();
        if !is_safe {
            return None;
        }
        let (result, pause) = match self.pause(failure) {
            _ if self.tries >= MOST_TRIES => ("gave_up", None),
            None => ("pushed_back", None),
            Some(_) if !is_affordable => ("no_budget", None),
            Some(pause) => ("made", Some(pause)),
        };
        self.budget.note(result);
        pause
    }

    fn pause(&self, failure: &Failure) -> Option<Duration> {
        let asked = match failure {
            Failure::Told(status) => Asked::by(status),
            Failure::Broken { .. } | Failure::Spared(_) => Asked::Nothing,
        };
        let pause = match asked {
            Asked::Nothing => jittered(PAUSE * 2u32.saturating_pow(self.tries - 1)),
            Asked::Patience(pause) => pause,
            Asked::Rest => return None,
        };
        let left = RequestContext::current().and_then(|context| context.remaining());
        (pause <= LONGEST_PAUSE && left.is_none_or(|left| left > pause)).then_some(pause)
    }
}

/// What a service asks of those who would try again.
enum Asked {
    Nothing,
    Patience(Duration),
    Rest,
}

// === impl Asked ===

impl Asked {
    fn by(status: &Status) -> Self {
        if let Some(asked) = status.metadata().get(PUSH_BACK) {
            // What is no number of milliseconds means no, less than nothing included.
            let milliseconds = asked.to_str().ok().and_then(|text| text.parse().ok());
            return milliseconds.map_or(Self::Rest, |it| Self::Patience(Duration::from_millis(it)));
        }
        let delay = status.get_details_retry_info().and_then(|info| info.retry_delay);
        delay.map_or(Self::Nothing, Self::Patience)
    }
}

/// Anything up to a time: those who failed together do not come again together.
fn jittered(most: Duration) -> Duration {
    // Keys differ from one state to the next: random enough to spread.
    let random = u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or_default();
    most.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use platform::{
        limits::Overloaded,
        status::{Reason, refuse, refuse_until},
    };
    use tonic::metadata::MetadataValue;

    use super::*;

    fn broken(is_unsent: bool) -> Failure {
        Failure::Broken { status: refuse(Reason::UNAVAILABLE), is_unsent }
    }

    fn told(status: Status) -> Failure {
        Failure::Told(status)
    }

    /// How often a call that always fails is made, and how long that is waited for.
    fn persist(
        budget: &Budget,
        is_idempotent: bool,
        failure: impl Fn() -> Failure,
    ) -> (u32, Duration) {
        let mut retries = Retries::new(budget, is_idempotent);
        let mut waited = Duration::ZERO;
        while let Some(pause) = retries.after(&failure()) {
            waited += pause;
        }
        (retries.tries, waited)
    }

    fn tries(is_idempotent: bool, failure: impl Fn() -> Failure) -> u32 {
        persist(&Budget::default(), is_idempotent, failure).0
    }

    #[test]
    fn only_what_is_safe_is_tried_again_and_three_times_at_most() {
        assert_eq!(tries(true, || told(refuse(Reason::UNAVAILABLE))), 3);
        assert_eq!(tries(false, || told(refuse(Reason::UNAVAILABLE))), 1);
        assert_eq!(tries(true, || broken(false)), 3);
        assert_eq!(tries(false, || broken(false)), 1);
        assert_eq!(tries(false, || broken(true)), 3);
        for reason in [Reason::NOT_FOUND, Reason::INTERNAL, Reason::DEADLINE_EXCEEDED] {
            assert_eq!(tries(true, || told(refuse(reason))), 1, "{}", reason.code);
        }
        assert_eq!(tries(true, || Failure::Spared(refuse(Reason::UNAVAILABLE))), 1);
    }

    #[test]
    fn a_service_that_asks_for_time_gets_it() {
        assert_eq!(tries(true, || told(Overloaded.into())), 1);
        let later = || told(refuse_until(Reason::UNAVAILABLE, Duration::from_secs(1)));
        assert_eq!(tries(true, later), 1);
        let pushed = |text: &'static str| {
            let mut status = refuse(Reason::UNAVAILABLE);
            status.metadata_mut().insert(PUSH_BACK, MetadataValue::from_static(text));
            told(status)
        };
        assert_eq!(tries(true, || pushed("-1")), 1);
        assert_eq!(tries(true, || pushed("soon")), 1);
        let (tries, waited) = persist(&Budget::default(), true, || pushed("400"));
        assert_eq!((tries, waited), (3, Duration::from_millis(800)));
    }

    #[tokio::test]
    async fn nobody_waits_longer_than_they_have_time() {
        let mut context = RequestContext::read(&HeaderMap::new());
        context.deadline = Some(std::time::Instant::now());
        assert_eq!(context.scope(async { tries(true, || broken(true)) }).await, 1);
    }

    #[test]
    fn of_a_thousand_failures_few_are_tried_again() {
        let budget = Budget::default();
        let calls: u32 = (0..1_000).map(|_| persist(&budget, true, || broken(false)).0).sum();
        assert!(calls <= 1_000 + FULL / FAILURE, "{calls}");
        // A service that is well again earns its retries back.
        for _ in 0..FULL {
            Retries::new(&budget, true).succeeded();
        }
        assert_eq!(persist(&budget, true, || broken(false)).0, 3);
    }

    #[test]
    fn retries_are_a_tenth_of_what_succeeds() {
        let budget = Budget::default();
        let mut calls = 0;
        for _ in 0..10_000 {
            let mut retries = Retries::new(&budget, true);
            // Every second attempt fails.
            loop {
                calls += 1;
                if calls % 2 == 0 {
                    retries.succeeded();
                    break;
                }
                if retries.after(&broken(false)).is_none() {
                    break;
                }
            }
        }
        assert!(calls <= 11_000 + FULL / FAILURE, "{calls}");
    }

    #[test]
    fn pauses_are_spread() {
        let pauses: Vec<_> = (0..100).map(|_| jittered(Duration::from_secs(1))).collect();
        let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
        assert!(*most <= Duration::from_secs(1));
        assert!(*most > *least + Duration::from_millis(500), "{pauses:?}");
    }
}
