//! Refusing some requests at once, so that the others are answered in time.
//!
//! Without it everything waits for everything, and what is finished at last is
//! what nobody waits for any more.

mod layer;
mod load;
mod room;

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use opentelemetry::{KeyValue, metrics::Counter};
use proto::options::v1::Criticality;
use tonic::{Status, metadata::MetadataValue};

pub(crate) use self::layer::Shed;
pub use self::load::Load;
use self::room::Room;
use crate::{
    status::{self, Reason},
    telemetry::{CRITICALITY, LIMITER, requests_shed},
};

/// gRPC's word for when to try again; less than nothing is never (gRFC A6).
pub const PUSH_BACK: &str = "grpc-retry-pushback-ms";

const COME_AGAIN: Duration = Duration::from_secs(1);
/// Whoever reads the log is told this often.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(10);

/// Lets in as much as can be worked on. Clones share the count.
#[derive(Clone, Debug)]
pub struct Shedder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    room: Room,
    load: Load,
    shed: Counter<u64>,
    warned: Mutex<Option<Instant>>,
}

/// The right to be worked on, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    shedder: Shedder,
    began: Instant,
}

/// There is more to do than can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overloaded;

// === impl Overloaded ===

impl From<Overloaded> for Status {
    /// To try again at once is what nobody should do.
    fn from(_: Overloaded) -> Self {
        let mut status = status::refuse_until(Reason::OVERLOADED, COME_AGAIN);
        status.metadata_mut().insert(PUSH_BACK, MetadataValue::from_static("-1"));
        status
    }
}

// === impl Shedder ===

impl Shedder {
    /// Lets in so many at a time, or fewer if they take long, while the process keeps
    /// up.
    pub fn new(process: &str, limit: NonZeroUsize, load: Load) -> Self {
        let meter = opentelemetry::global::meter("mainstay");
        Self(Arc::new(Inner {
            room: Room::new(limit.get(), Instant::now()),
            load,
            shed: meter.u64_counter(requests_shed(process)).build(),
            warned: Mutex::default(),
        }))
    }

    /// Lets a request in, or refuses it.
    pub fn enter(&self, criticality: Criticality) -> Result<Permit, Overloaded> {
        self.check(criticality)?;
        self.0.room.enter();
        Ok(Permit { shedder: self.clone(), began: Instant::now() })
    }

    /// Refuses a request that could not be let in, before anything of it is read.
    pub fn check(&self, criticality: Criticality) -> Result<(), Overloaded> {
        let Inner { room, load, .. } = &*self.0;
        let share = match criticality {
            Criticality::Sheddable => 50,
            Criticality::Unspecified | Criticality::SheddablePlus => 80,
            Criticality::Critical => 95,
            // Keys and sessions: refusing them would refuse everything else.
            Criticality::CriticalPlus => return Ok(()),
        };
        if !room.is_free(share) {
            return Err(self.refused("concurrency", criticality));
        }
        if load.lag() >= patience(criticality) {
            return Err(self.refused("queue", criticality));
        }
        Ok(())
    }

    fn refused(&self, limiter: &'static str, criticality: Criticality) -> Overloaded {
        let labels =
            [KeyValue::new(LIMITER, limiter), KeyValue::new(CRITICALITY, name(criticality))];
        self.0.shed.add(1, &labels);
        let mut warned = self.0.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|warned| warned.elapsed() >= BETWEEN_WARNINGS) {
            *warned = Some(Instant::now());
            tracing::warn!(limiter, "there is more to do than can be done: refusing some of it");
        }
        Overloaded
    }
}

/// How far the process may be behind before a request is refused.
fn patience(criticality: Criticality) -> Duration {
    match criticality {
        Criticality::Sheddable => Duration::from_millis(100),
        Criticality::Unspecified | Criticality::SheddablePlus => Duration::from_millis(500),
        Criticality::Critical => Duration::from_secs(1),
        Criticality::CriticalPlus => Duration::MAX,
    }
}

fn name(criticality: Criticality) -> &'static str {
    match criticality {
        Criticality::Sheddable => "sheddable",
        Criticality::Unspecified | Criticality::SheddablePlus => "sheddable_plus",
        Criticality::Critical => "critical",
        Criticality::CriticalPlus => "critical_plus",
    }
}

// === impl Permit ===

impl Drop for Permit {
    fn drop(&mut self) {
        self.shedder.0.room.leave(self.began, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::StatusExt as _;

    use super::*;

    const LEVELS: [Criticality; 4] = [
        Criticality::Sheddable,
        Criticality::SheddablePlus,
        Criticality::Critical,
        Criticality::CriticalPlus,
    ];

    fn shedder(limit: usize) -> (Shedder, Load) {
        let load = Load::default();
        (Shedder::new("tested", NonZeroUsize::new(limit).unwrap(), load.clone()), load)
    }

    #[test]
    fn the_least_critical_is_given_up_first_and_keys_never() {
        let (shedder, _) = shedder(100);
        let mut inside = Vec::new();
        for (criticality, most) in
            [(LEVELS[0], 50), (LEVELS[1], 80), (LEVELS[2], 95), (LEVELS[3], 500)]
        {
            while inside.len() < most {
                inside.push(shedder.enter(criticality).unwrap());
            }
            if criticality != Criticality::CriticalPlus {
                assert_eq!(shedder.enter(criticality).err(), Some(Overloaded), "{criticality:?}");
                assert_eq!(shedder.check(criticality), Err(Overloaded), "{criticality:?}");
            }
        }
        drop(inside);
        for criticality in LEVELS {
            shedder.check(criticality).unwrap();
        }
    }

    #[test]
    fn a_process_that_falls_behind_lets_less_in() {
        let (shedder, load) = shedder(100);
        let let_in = |lag: u64| {
            load.note(Duration::from_millis(lag));
            LEVELS.map(|criticality| shedder.check(criticality).is_ok())
        };
        assert_eq!(let_in(0), [true; 4]);
        for _ in 0..4 {
            let_in(150);
        }
        assert_eq!(let_in(150), [false, true, true, true]);
        for _ in 0..4 {
            let_in(600);
        }
        assert_eq!(let_in(600), [false, false, true, true]);
        for _ in 0..4 {
            let_in(2_000);
        }
        assert_eq!(let_in(2_000), [false, false, false, true]);
        // One look in time is enough to know that nothing piles up.
        assert_eq!(let_in(0), [true; 4]);
    }

    #[test]
    fn whoever_is_refused_is_told_when_to_come_again_and_not_to_insist() {
        let status = Status::from(Overloaded);
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status::reason_of(&status), Some(Reason::OVERLOADED));
        assert!(status.get_details_retry_info().unwrap().retry_delay >= Some(COME_AGAIN));
        assert_eq!(status.metadata().get(PUSH_BACK).unwrap(), "-1");
    }
}
