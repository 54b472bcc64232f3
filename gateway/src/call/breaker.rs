//! Leaving alone what is broken, and looking now and then whether it still is.
//!
//! Only connections that fail count: what a service answers, late answers
//! included, says that it is there, and how long a client waits is the client's
//! choice.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So many failures in a row, or half of at least so many calls in a while.
const IN_A_ROW: u32 = 5;
const ENOUGH_CALLS: u32 = 20;
const WHILE: Duration = Duration::from_secs(10);

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A look that takes longer keeps nobody from looking, too.
const LOOK_WITHIN: Duration = Duration::from_secs(1);

/// Whether one address is called.
#[derive(Debug)]
pub(super) struct Breaker(Mutex<State>);

/// What a breaker knows, for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Position {
    /// Calls are made.
    Closed,
    /// One call is made, to see.
    HalfOpen,
    /// No call is made.
    Open,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { since: Instant, calls: u32, failures: u32, in_a_row: u32 },
    Open { until: Instant, pause: Duration },
    HalfOpen { since: Instant, pause: Duration },
}

// === impl State ===

impl State {
    fn closed(now: Instant) -> Self {
        Self::Closed { since: now, calls: 0, failures: 0, in_a_row: 0 }
    }

    fn open(now: Instant, pause: Duration) -> Self {
        Self::Open { until: now + pause, pause }
    }
}

// === impl Breaker ===

impl Breaker {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(State::closed(now)))
    }

    /// Whether a call may be made; the answer must be noted.
    pub(super) fn admit(&self, now: Instant) -> bool {
        self.change(|state| match state {
            State::Closed { .. } => (state, true),
            State::Open { until, pause } if now >= until => {
                (State::HalfOpen { since: now, pause }, true)
            }
            State::HalfOpen { since, pause } if now >= since + LOOK_WITHIN => {
                (State::HalfOpen { since: now, pause }, true)
            }
            State::Open { .. } | State::HalfOpen { .. } => (state, false),
        })
    }

    /// The other side is there.
    pub(super) fn succeeded(&self, now: Instant) {
        self.change(|state| {
            let next = match state {
                State::Closed { since, calls, failures, .. } if now < since + WHILE => {
                    State::Closed { since, calls: calls + 1, failures, in_a_row: 0 }
                }
                State::Closed { .. } | State::HalfOpen { .. } => State::closed(now),
                // Of a call that was made before.
                State::Open { .. } => state,
            };
            (next, ())
        });
    }

    /// The connection failed. `is_enough`: once is enough, as there are others.
    pub(super) fn failed(&self, now: Instant, is_enough: bool) {
        self.change(|state| {
            let next = match state {
                State::Closed { since, calls, failures, in_a_row } => {
                    let is_old = now >= since + WHILE;
                    let (since, calls, failures) =
                        if is_old { (now, 1, 1) } else { (since, calls + 1, failures + 1) };
                    let in_a_row = in_a_row + 1;
                    let is_half = calls >= ENOUGH_CALLS && failures * 2 >= calls;
                    if is_enough || is_half || in_a_row >= IN_A_ROW {
                        State::open(now, FIRST_PAUSE)
                    } else {
                        State::Closed { since, calls, failures, in_a_row }
                    }
                }
                State::HalfOpen { pause, .. } => State::open(now, LONGEST_PAUSE.min(pause * 2)),
                // Of a call that was made before.
                State::Open { .. } => state,
            };
            (next, ())
        });
    }

    /// Nobody waited for the answer: the next call may look.
    pub(super) fn abandoned(&self, now: Instant) {
        self.change(|state| match state {
            State::HalfOpen { pause, .. } => (State::Open { until: now, pause }, ()),
            State::Closed { .. } | State::Open { .. } => (state, ()),
        });
    }

    pub(super) fn position(&self) -> Position {
        self.change(|state| match state {
            State::Closed { .. } => (state, Position::Closed),
            State::HalfOpen { .. } => (state, Position::HalfOpen),
            State::Open { .. } => (state, Position::Open),
        })
    }

    fn change<T>(&self, change: impl FnOnce(State) -> (State, T)) -> T {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, answer) = change(*state);
        *state = next;
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(now: Instant) -> Breaker {
        let breaker = Breaker::new(now);
        for _ in 0..IN_A_ROW {
            assert!(breaker.admit(now));
            breaker.failed(now, false);
        }
        breaker
    }

    #[test]
    fn what_fails_again_and_again_is_left_alone_and_then_looked_at_once() {
        let now = Instant::now();
        let breaker = opened(now);
        assert!(!breaker.admit(now));
        assert_eq!(breaker.position(), Position::Open);
        let later = now + FIRST_PAUSE;
        assert!(!breaker.admit(now + FIRST_PAUSE / 2));
        assert!(breaker.admit(later), "one to see");
        assert!(!breaker.admit(later), "and no other meanwhile");
        breaker.succeeded(later);
        assert_eq!(breaker.position(), Position::Closed);
        assert!(breaker.admit(later) && breaker.admit(later));
    }

    #[test]
    fn what_stays_broken_is_looked_at_every_second_at_least() {
        let mut now = Instant::now();
        let breaker = opened(now);
        for pause in [250, 500, 1_000, 1_000, 1_000] {
            let pause = Duration::from_millis(pause);
            assert!(!breaker.admit(now + pause / 2), "{pause:?}");
            now += pause;
            assert!(breaker.admit(now), "{pause:?}");
            breaker.failed(now, false);
        }
    }

    #[test]
    fn some_failures_among_many_calls_are_no_reason() {
        let now = Instant::now();
        let breaker = Breaker::new(now);
        for _ in 0..1_000 {
            breaker.succeeded(now);
            breaker.succeeded(now);
            breaker.failed(now, false);
        }
        assert_eq!(breaker.position(), Position::Closed);
        let breaker = Breaker::new(now);
        for _ in 0..ENOUGH_CALLS {
            breaker.succeeded(now);
            breaker.failed(now, false);
        }
        assert_eq!(breaker.position(), Position::Open, "half of them are");
    }

    #[test]
    fn a_look_that_nobody_waits_for_keeps_nobody_out() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + FIRST_PAUSE;
        assert!(breaker.admit(later));
        breaker.abandoned(later);
        assert!(breaker.admit(later), "the next one looks");
        assert!(!breaker.admit(later));
        assert!(breaker.admit(later + LOOK_WITHIN), "a look that takes too long");
    }

    #[test]
    fn one_of_several_is_left_alone_at_once() {
        let now = Instant::now();
        let breaker = Breaker::new(now);
        breaker.failed(now, true);
        assert!(!breaker.admit(now));
    }
}
