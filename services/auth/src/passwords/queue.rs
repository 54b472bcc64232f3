//! Password hashes, made and verified off the runtime and never too many at once.
//!
//! Argon2id with 19 MiB, two passes and one lane (OWASP Password Storage): about
//! 16 ms of one core. As many run at once as there are cores; a short queue
//! waits; whoever comes after is asked to come again.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use platform::{
    server,
    status::{self, Reason},
};
use secrecy::SecretString;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinError,
};
use tonic::Status;

use super::hashing::{Memory, hash, is_hash, verify};

const QUEUE: usize = 64;

/// Hashes and verifies passwords.
#[derive(Clone, Debug)]
pub(crate) struct Passwords(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// One for each that runs or waits.
    places: Arc<Semaphore>,
    /// One for each that runs.
    cores: Arc<Semaphore>,
    /// What each that runs works in.
    memory: Memory,
    /// Verified instead of a hash that is not there, so that it takes as long.
    stand_in: String,
}

/// Whether a password was the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// Right, and its hash was made with parameters that have since changed.
    RightButOld,
}

/// A place in the queue.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// The right to hash once. It goes along with the work: a caller who leaves does
/// not make room, because the work goes on without them.
#[derive(Debug)]
struct Turn {
    _place: Place,
    _core: OwnedSemaphorePermit,
}

// === impl Passwords ===

impl Passwords {
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let memory = Memory::default();
        Self(Arc::new(Inner {
            places: Arc::new(Semaphore::new(cores + QUEUE)),
            cores: Arc::new(Semaphore::new(cores)),
            stand_in: hash(&SecretString::default(), &memory).unwrap_or_default(),
            memory,
        }))
    }

    /// Makes a hash.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, Status> {
        let (turn, inner) = (self.turn(self.place()?).await?, Arc::clone(&self.0));
        let hash = with(turn, move || hash(&password, &inner.memory)).await;
        hash.map_err(|error| status::internal(&error))?.map_err(|error| status::internal(&error))
    }

    /// Verifies a password against a hash, or against none in the same time.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<Verdict, Status> {
        self.verify_at(self.place()?, password, hash).await
    }

    /// The same for somebody who has waited in line already.
    pub(crate) async fn verify_at(
        &self,
        place: Place,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<Verdict, Status> {
        let (turn, inner) = (self.turn(place).await?, Arc::clone(&self.0));
        // An account that no password opens takes as long as any other, too.
        let hash = hash.filter(|hash| is_hash(hash));
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.0.stand_in.clone());
        let verdict = with(turn, move || verify(&password, &hash, &inner.memory)).await;
        let verdict = verdict.map_err(|error| status::internal(&error))?;
        Ok(if exists { verdict } else { Verdict::Wrong })
    }

    /// Takes a place in the queue, if there is one.
    pub(crate) fn place(&self) -> Result<Place, Status> {
        let place = Arc::clone(&self.0.places).try_acquire_owned();
        place.map(|permit| Place { _permit: permit }).map_err(|_full| busy())
    }

    async fn turn(&self, place: Place) -> Result<Turn, Status> {
        let core = Arc::clone(&self.0.cores).acquire_owned().await.map_err(|_closed| busy())?;
        Ok(Turn { _place: place, _core: core })
    }
}

fn busy() -> Status {
    status::refuse_until(Reason::TOO_BUSY, Duration::from_secs(1))
}

/// Leaves the runtime for some work, and gives the turn back when it is done.
async fn with<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    server::blocking(move || {
        let done = work();
        drop(turn);
        done
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_gets_in_without_a_hash() {
        let passwords = Passwords::new();
        let verdict = passwords.verify(SecretString::default(), None).await.unwrap();
        assert_eq!(verdict, Verdict::Wrong);
    }

    #[tokio::test]
    async fn whoever_leaves_does_not_make_room() {
        let passwords = Passwords::new();
        let before = passwords.0.places.available_permits();
        let hashing = passwords.hash("correct horse".into());
        // Long enough to begin, too short to end.
        let left = tokio::time::timeout(Duration::from_millis(1), hashing).await;
        if left.is_err() {
            assert_eq!(passwords.0.places.available_permits(), before - 1);
        }
        while passwords.0.places.available_permits() < before {
            tokio::task::yield_now().await;
        }
    }

    /// The shortest of a few runs: the longest are the machine's.
    async fn shortest(passwords: &Passwords, hash: Option<&str>) -> Duration {
        let mut shortest = Duration::MAX;
        for _ in 0..5 {
            let started = std::time::Instant::now();
            let hash = hash.map(str::to_owned);
            passwords.verify(SecretString::default(), hash).await.unwrap();
            shortest = shortest.min(started.elapsed());
        }
        shortest
    }

    #[tokio::test]
    async fn an_account_without_a_password_takes_as_long_as_any() {
        let passwords = Passwords::new();
        let without = shortest(&passwords, Some("")).await;
        let unknown = shortest(&passwords, None).await;
        assert!(without * 4 > unknown, "{without:?} {unknown:?}");
    }

    #[tokio::test]
    async fn a_full_queue_says_so() {
        let passwords = Passwords::new();
        let all = u32::try_from(passwords.0.places.available_permits()).unwrap();
        let _taken = passwords.0.places.acquire_many(all).await.unwrap();
        let refused = passwords.hash("correct horse".into()).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
    }
}
