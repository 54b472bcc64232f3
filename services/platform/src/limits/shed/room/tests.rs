//! A service in simulated time, with more clients than it has room for.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::*;

const ORDINARY: usize = 80;
const PATIENCE: Duration = Duration::from_secs(1);

/// A service that works on so many calls at a time, each for so long, in the order
/// in which they come, after a way that takes so long whatever there is to do.
#[derive(Clone, Copy)]
struct Service {
    workers: usize,
    work: Duration,
    way: Duration,
}

#[derive(Debug)]
struct Seen {
    asked: f64,
    good: f64,
    limit: usize,
}

// === impl Service ===

impl Service {
    fn capacity(self) -> f64 {
        number(self.workers) / self.work.as_secs_f64()
    }

    /// What came of what is asked for in the second half of the time.
    fn offered(self, room: &Room, start: Instant, per_second: f64, seconds: f64) -> Seen {
        let mut workers: BinaryHeap<_> = (0..self.workers).map(|_| Reverse(start)).collect();
        let mut inside: BinaryHeap<Reverse<(Instant, Instant)>> = BinaryHeap::new();
        let (mut asked, mut good, mut at, mut chance) = (0, 0, 0.0, 7_u32);
        while at < seconds {
            // Not evenly: between nothing and twice the usual pause.
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            at += 2.0 * f64::from(chance) / f64::from(u32::MAX) / per_second;
            let now = start + Duration::from_secs_f64(at);
            while let Some(Reverse((ends, began))) =
                inside.peek().copied().filter(|it| it.0.0 <= now)
            {
                inside.pop();
                room.leave(began, ends);
            }
            asked += u32::from(at > seconds / 2.0);
            if !room.is_free(ORDINARY) {
                continue;
            }
            room.enter();
            let Reverse(free) = workers.pop().unwrap();
            let done = free.max(now) + self.work;
            workers.push(Reverse(done));
            inside.push(Reverse((done + self.way, now)));
            good += u32::from(at > seconds / 2.0 && done + self.way <= now + PATIENCE);
        }
        let limit = room.limit.load(Ordering::Relaxed);
        for Reverse((ends, began)) in inside.into_sorted_vec().into_iter().rev() {
            room.leave(began, ends);
        }
        let [asked, good] = [asked, good].map(|count| f64::from(count) / (seconds / 2.0));
        Seen { asked, good, limit }
    }
}

fn service(workers: usize, work: u64, way: u64) -> Service {
    Service { workers, work: Duration::from_millis(work), way: Duration::from_millis(way) }
}

#[test]
fn goodput_stays_whatever_is_offered_and_however_long_the_work_is() {
    let now = Instant::now();
    for (work, way) in [(1, 0), (5, 3), (20, 0), (50, 20), (100, 0)] {
        let service = service(2, work, way);
        for factor in [1.0, 2.0, 5.0, 10.0] {
            let room = Room::new(128, now);
            let seen = service.offered(&room, now, service.capacity() * factor, 60.0);
            let share = seen.good / service.capacity().min(seen.asked);
            assert!(share >= 0.9, "{work} ms and {way} ms, {factor} times: {share} {seen:?}");
        }
    }
}

#[test]
fn what_is_slow_but_not_busy_keeps_its_room() {
    let now = Instant::now();
    // It could do much more, were more let in: 300 a second are asked for.
    let far = service(1_000, 1, 250);
    let room = Room::new(128, now);
    let seen = far.offered(&room, now, 300.0, 20.0);
    assert!(seen.limit == 128 && seen.good >= seen.asked, "nobody is refused: {seen:?}");
    // More than the room can hold: as much as it holds goes through.
    let seen = far.offered(&room, now + Duration::from_secs(30), 2_000.0, 20.0);
    assert!(seen.good >= 102.0 / 0.251 * 0.75, "{seen:?}");
}

#[test]
fn room_comes_back_when_it_is_over_and_never_beyond_its_bounds() {
    let now = Instant::now();
    let busy = service(2, 20, 0);
    let room = Room::new(128, now);
    let seen = busy.offered(&room, now, 1_000.0, 10.0);
    assert!((LEAST..=2 * LEAST).contains(&seen.limit), "{seen:?}");
    let seen = busy.offered(&room, now + Duration::from_secs(20), 60.0, 10.0);
    assert_eq!(seen.limit, 128);
    let small = Room::new(2, now);
    let seen = service(1, 500, 0).offered(&small, now, 50.0, 60.0);
    assert_eq!(seen.limit, 2, "what an operator says is enough");
}
