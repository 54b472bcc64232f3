//! How many calls are worked on at a time: as many as are answered soon.
//!
//! What is let in beyond that waits inside instead of outside, and its answer comes
//! when nobody waits for it any more. How many they are is not known before, so it
//! is found out: while requests are refused, the limit follows the ratio between
//! how long calls should take and how long they do take (Little's law: at the same
//! rate, half as many inside are answered in half the time).

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Calls that wait for one another should not take longer.
const TARGET: Duration = Duration::from_millis(100);
/// The limit is changed no more often, and not for fewer calls.
const WINDOW: Duration = Duration::from_millis(100);
const CALLS: u32 = 8;
/// Fewer at a time do not wait for one another.
const LEAST: usize = 16;
/// Whoever has waited for so long will not wait much longer.
const LATE: Duration = Duration::from_millis(500);
/// Calls that take longer though they are few are slow by themselves. They are
/// given half as much again, or a little if that is late already, and looked at anew
/// after a while.
const SLACK: f64 = 1.5;
const LITTLE: f64 = 1.1;
const BELIEVED: Duration = Duration::from_secs(30);
/// The limit is lowered at once and raised with care.
const LOWERED: f64 = 0.3;
const RAISED: f64 = 1.25;

/// The room for calls.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    limit: AtomicUsize,
    in_flight: AtomicUsize,
    was_full: AtomicBool,
    window: Mutex<Window>,
}

/// What has been seen since the limit was last changed, of calls that began since.
#[derive(Debug)]
struct Window {
    since: Instant,
    calls: u32,
    time: Duration,
    limit: f64,
    slow: Option<(Duration, Instant)>,
}

// === impl Room ===

impl Room {
    /// Room for so many at most, which is what there is at first.
    pub(super) fn new(most: usize, now: Instant) -> Self {
        let (calls, time, slow) = (0, Duration::ZERO, None);
        Self {
            most,
            limit: AtomicUsize::new(most),
            in_flight: AtomicUsize::new(0),
            was_full: AtomicBool::new(false),
            window: Mutex::new(Window { since: now, calls, time, limit: number(most), slow }),
        }
    }

    /// Whether one more can be let in for whom a share of the room is, in percent.
    pub(super) fn is_free(&self, share: usize) -> bool {
        let room = self.limit.load(Ordering::Relaxed).saturating_mul(share).div_ceil(100);
        let is_free = self.in_flight.load(Ordering::Relaxed) < room;
        if !is_free && !self.was_full.load(Ordering::Relaxed) {
            self.was_full.store(true, Ordering::Relaxed);
        }
        is_free
    }

    pub(super) fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes note of a call that has ended.
    pub(super) fn leave(&self, began: Instant, now: Instant) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        // Those who were inside before say how it was with the limit of before.
        if began < window.since {
            return;
        }
        window.calls += 1;
        window.time += now.saturating_duration_since(began);
        if window.calls < CALLS || now.saturating_duration_since(window.since) < WINDOW {
            return;
        }
        // Fewer than there are is not asked for while nobody is refused.
        let is_full = self.was_full.swap(false, Ordering::Relaxed);
        let inside = number(self.in_flight.load(Ordering::Relaxed)) * RAISED;
        let (least, most) = (number(LEAST.min(self.most)), number(self.most));
        window.adapt(if is_full { least } else { inside.clamp(least, most) }, most, is_full, now);
        self.limit.store(rounded(window.limit), Ordering::Relaxed);
    }
}

// === impl Window ===

impl Window {
    /// Changes the limit, and begins anew.
    fn adapt(&mut self, least: f64, most: f64, is_full: bool, now: Instant) {
        let took = self.time / self.calls.max(1);
        if is_full && self.limit <= least && took > TARGET {
            self.slow = Some((took, now));
        } else if let Some((slow, seen)) = self.slow {
            let is_old = is_full && now.saturating_duration_since(seen) >= BELIEVED;
            self.slow = (!is_old).then_some((slow.min(took), seen));
        }
        let slow = self.slow.map_or(Duration::ZERO, |(took, _)| took);
        let wanted = TARGET.max(slow.mul_f64(SLACK)).min(LATE.max(slow.mul_f64(LITTLE)));
        let ratio = wanted.as_secs_f64() / took.as_secs_f64().max(f64::MIN_POSITIVE);
        if is_full || ratio > 1.0 || took > LATE {
            self.limit = (self.limit * ratio.clamp(LOWERED, RAISED)).clamp(least, most);
        }
        (self.since, self.calls, self.time) = (now, 0, Duration::ZERO);
    }
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a limit is between 1 and what was once an integer"
)]
fn rounded(limit: f64) -> usize {
    limit.round() as usize
}

#[cfg(test)]
mod tests;
