//! Sign-ins to one address, one after the other.
//!
//! Otherwise somebody who signs in on ten devices at once would look like ten
//! guesses, because each is counted before it is judged. And whoever floods one
//! address fills its line, and not the queue that all others wait in.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Error;

const LANES: usize = 1 << 10;
/// So many wait in each.
const LINE: usize = 24;

/// So many lines that addresses seldom share one.
#[derive(Debug)]
pub(super) struct Lanes(Vec<Line>);

#[derive(Debug)]
struct Line {
    /// One for each that is at the head or waits.
    places: Arc<Semaphore>,
    head: Arc<Semaphore>,
}

/// The head of a line.
#[derive(Debug)]
pub(super) struct Lane {
    _place: OwnedSemaphorePermit,
    _head: OwnedSemaphorePermit,
}

// === impl Lanes ===

impl Lanes {
    pub(super) fn new() -> Self {
        let line = |_| Line {
            places: Arc::new(Semaphore::new(1 + LINE)),
            head: Arc::new(Semaphore::new(1)),
        };
        Self((0..LANES).map(line).collect())
    }

    /// Waits in the line of whatever a mark stands for, unless too many do.
    pub(super) async fn enter(&self, mark: &[u8; 32]) -> Result<Lane, Error> {
        let number = mark.iter().take(2).fold(0, |number, byte| number << 8 | usize::from(*byte));
        let Line { places, head } = self.0.get(number % LANES).ok_or(Error::Busy)?;
        let place = Arc::clone(places).try_acquire_owned().map_err(|_full| Error::Busy)?;
        let head = Arc::clone(head).acquire_owned().await.map_err(|_closed| Error::Busy)?;
        Ok(Lane { _place: place, _head: head })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_after_the_other_and_not_too_many() {
        let lanes = Lanes::new();
        let head = lanes.enter(&[1; 32]).await.unwrap();
        lanes.enter(&[2; 32]).await.unwrap();
        // Those who wait are not needed for the line to be full.
        let line = &lanes.0[257];
        let waiting = line.places.try_acquire_many(u32::try_from(LINE).unwrap()).unwrap();
        let refused = lanes.enter(&[1; 32]).await.unwrap_err();
        assert!(matches!(refused, Error::Busy), "{refused:?}");
        drop(waiting);
        let next = lanes.enter(&[1; 32]);
        let next = tokio::time::timeout(std::time::Duration::from_millis(1), next).await;
        next.unwrap_err();
        drop(head);
        lanes.enter(&[1; 32]).await.unwrap();
    }
}
