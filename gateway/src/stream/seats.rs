//! How many streams there may be: for one caller, and for all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use platform::status::Reason;

use crate::caller::Caller;

/// Enough for the tabs of one reader.
pub(crate) const EACH: usize = 16;
/// A service takes 1,000 streams on one connection.
const ALL: usize = 900;

/// Room for streams.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seats(Arc<Mutex<HashMap<Caller, usize>>>);

/// Room for one stream; dropping it leaves the room to others.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    caller: Caller,
}

// === impl Seats ===

impl Seats {
    /// Takes a seat, or says why there is none.
    pub(crate) fn take(&self, caller: Caller) -> Result<Seat, &'static Reason> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= ALL {
            return Err(Reason::OVERLOADED);
        }
        let own = taken.entry(caller.clone()).or_default();
        if *own >= EACH {
            return Err(Reason::TOO_MANY_STREAMS);
        }
        *own += 1;
        Ok(Seat { seats: self.clone(), caller })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    #[test]
    fn every_caller_has_some_streams_and_all_have_so_many() {
        let seats = Seats::default();
        let user = |n: usize| Caller::User(n.to_string());
        let mut held: Vec<_> = (0..EACH).map(|_| seats.take(user(0)).unwrap()).collect();
        assert_eq!(seats.take(user(0)).unwrap_err(), Reason::TOO_MANY_STREAMS);
        held.pop();
        held.push(seats.take(user(0)).unwrap());
        held.extend((EACH..ALL).map(|n| seats.take(user(n)).unwrap()));
        assert_eq!(seats.take(user(ALL)).unwrap_err(), Reason::OVERLOADED);
        drop(held);
        assert!(seats.0.lock().unwrap().is_empty());
    }
}
