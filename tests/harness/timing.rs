//! Whether things take the same time, as far as anybody outside can tell.
//!
//! All are done in turn, together with one more that is the usual one with a known
//! difference added, and for as long as it takes to notice that one. Whoever needs
//! that many looks to see a millisecond has not seen what is not there. What the
//! machine added is left out: of all times, only the shorter half counts.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

/// Below this, a difference may be chance: once in a hundred thousand looks.
const NOTICED: f64 = 4.5;
/// The control is to be beyond doubt.
const CERTAIN: f64 = 6.0;
const FIRST_LOOK: usize = 60;
const BETWEEN_LOOKS: usize = 20;

/// How long to look at most, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Care {
    /// The difference that is to be noticed.
    pub difference: Duration,
    /// After this time, what can be noticed on so busy a machine has to do.
    pub time: Duration,
}

/// What was seen: Welch's t of both, and of the first and the control.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    /// Between what was compared.
    pub t: f64,
    /// Between the first and itself with the difference.
    pub control: f64,
    /// How much longer the second took, in milliseconds.
    pub milliseconds: f64,
    /// The least difference that would have been noticed, in milliseconds.
    pub noticeable: f64,
    /// How long the first took, in milliseconds.
    pub usual: f64,
    /// After so many turns.
    pub turns: usize,
}

/// Does the usual thing and others in turn until the control would be noticed;
/// before each, puts things in order without being timed. Returns what was seen of
/// each of the others.
pub async fn compare_each<C: Copy + Debug>(
    care: Care,
    before: impl AsyncFn(),
    (usual, others): (C, &[C]),
    act: impl AsyncFn(C),
) -> Vec<Compared> {
    let all = [&[usual, usual], others].concat();
    let mut times = vec![Vec::new(); all.len()];
    let (mut order, mut random): (Vec<_>, u64) = ((0..all.len()).collect(), 1);
    let end = Instant::now() + care.time;
    loop {
        // Nobody always comes after the same other.
        shuffle(&mut order, &mut random);
        for &at in &order {
            before().await;
            let started = Instant::now();
            act(all[at]).await;
            times[at].push(started.elapsed().as_secs_f64() * 1_000.0);
        }
        let turns = times[0].len();
        let is_over = Instant::now() > end;
        if is_over || (turns >= FIRST_LOOK && turns.is_multiple_of(BETWEEN_LOOKS)) {
            let wanted = care.difference.as_secs_f64() * 1_000.0;
            let seen = |other: &Vec<f64>| {
                let times = [times[0].clone(), other.clone(), times[1].clone()];
                (judge(&times, wanted), times)
            };
            let seen: Vec<_> = times[2..].iter().map(seen).collect();
            let is_exact = seen.iter().all(|(compared, _)| compared.control > CERTAIN);
            let found = seen.into_iter().map(|(it, times)| it.control_found(&times));
            let found: Vec<_> = found.collect();
            // Where nothing can be said at all yet, it may take three times as long.
            let is_enough = found.iter().all(Compared::says_something);
            let is_hopeless = Instant::now() > end + 2 * care.time;
            if is_exact || (is_over && is_enough) || is_hopeless {
                for (other, compared) in others.iter().zip(&found) {
                    eprintln!("{other:?}: {compared:.2?}");
                }
                return found;
            }
        }
    }
}

/// Puts things into another order, the same one in every run (Fisher and Yates,
/// with the numbers of xorshift).
fn shuffle(order: &mut [usize], random: &mut u64) {
    for last in (1..order.len()).rev() {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        let other = *random % (u64::try_from(last).unwrap() + 1);
        order.swap(last, usize::try_from(other).unwrap());
    }
}

/// Compares the first with the second, and with the third and a difference.
fn judge(times: &[Vec<f64>; 3], difference: f64) -> Compared {
    let mut times = times.clone();
    times[2].iter_mut().for_each(|time| *time += difference);
    let [a, b, control] = shorter_half(&times);
    Compared {
        t: welch(&b, &a),
        control: welch(&control, &a),
        milliseconds: mean(&b) - mean(&a),
        noticeable: difference,
        usual: mean(&a),
        turns: times[0].len(),
    }
}

// === impl Compared ===

impl Compared {
    /// The same with the least difference that would have been noticed.
    fn control_found(self, times: &[Vec<f64>; 3]) -> Self {
        let mut found = self;
        while found.control <= CERTAIN && found.noticeable < found.usual {
            found = judge(times, found.noticeable * 1.5);
        }
        found
    }

    /// Whether a difference would have been noticed that is worth the name: a hash
    /// that is not made would be all of it.
    fn says_something(&self) -> bool {
        self.control > CERTAIN && self.noticeable < self.usual / 2.0
    }

    /// Nothing can be told from the time, and it would have been seen.
    #[track_caller]
    pub fn assert_same(&self, what: &str) {
        assert!(self.says_something(), "too much noise to say anything: {what}: {self:?}");
        assert!(self.t.abs() < NOTICED, "the time tells: {what}: {self:?}");
    }

    /// The time tells.
    #[track_caller]
    pub fn assert_different(&self, what: &str) {
        assert!(self.t.abs() > NOTICED, "the time does not tell: {what}: {self:?}");
    }
}

/// The shorter times of each: what is longer, the machine has added.
fn shorter_half(times: &[Vec<f64>; 3]) -> [Vec<f64>; 3] {
    times.clone().map(|mut times| {
        times.sort_by(f64::total_cmp);
        times.truncate(times.len() * 3 / 5);
        times
    })
}

/// Welch's t: how many standard errors lie between two means.
fn welch(a: &[f64], b: &[f64]) -> f64 {
    let error = |times: &[f64]| {
        let mean = mean(times);
        let count = count(times);
        times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0) / count
    };
    (mean(a) - mean(b)) / (error(a) + error(b)).sqrt()
}

fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / count(times)
}

fn count(times: &[f64]) -> f64 {
    f64::from(u32::try_from(times.len()).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_told_apart_by_their_spread() {
        let narrow = [1.0, 1.1, 0.9, 1.0, 1.05, 0.95];
        let wide = [0.0, 3.0, 1.5, 2.0, 1.0, 0.5];
        let moved = narrow.map(|time| time + 0.3);
        assert!(welch(&moved, &narrow) > NOTICED);
        assert!(welch(&wide, &narrow).abs() < NOTICED);
        assert!(welch(&narrow, &narrow).abs() < 1e-9);
    }
}
