//! How many streams there may be: for one caller, and for all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use platform::status::Reason;

use crate::holder::Holder;

/// Room for streams.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    each: usize,
    all: usize,
    taken: Arc<Mutex<HashMap<Holder, usize>>>,
}

/// Room for one stream; dropping it leaves the room to others.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    caller: Holder,
}

// === impl Seats ===

impl Seats {
    /// Room for so many streams of each caller, and so many of all.
    pub(super) fn new(each: usize, all: usize) -> Self {
        Self { each, all, taken: Arc::default() }
    }

    /// Takes a seat, or says why there is none.
    pub(crate) fn take(&self, caller: Holder) -> Result<Seat, &'static Reason> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= self.all {
            return Err(Reason::OVERLOADED);
        }
        let own = taken.entry(caller.clone()).or_default();
        if *own >= self.each && caller.is_known() {
            return Err(Reason::TOO_MANY_STREAMS);
        }
        *own += 1;
        Ok(Seat { seats: self.clone(), caller })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.caller) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: usize = 3;
    const ALL: usize = 10;

    #[test]
    fn every_caller_has_some_streams_and_all_have_so_many() {
        let seats = Seats::new(EACH, ALL);
        let user = |n: usize| Holder::User(n.to_string());
        let mut held: Vec<_> = (0..EACH).map(|_| seats.take(user(0)).unwrap()).collect();
        assert_eq!(seats.take(user(0)).unwrap_err(), Reason::TOO_MANY_STREAMS);
        held.pop();
        held.push(seats.take(user(0)).unwrap());
        held.extend((EACH..ALL).map(|n| seats.take(user(n)).unwrap()));
        assert_eq!(seats.take(user(ALL)).unwrap_err(), Reason::OVERLOADED);
        drop(held);
        assert!(seats.taken.lock().unwrap().is_empty());
    }
}
