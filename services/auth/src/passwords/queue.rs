//! Password hashes, made and verified off the runtime and never too many at once.
//!
//! Argon2id with 19 MiB, two passes and one lane (OWASP Password Storage): about
//! 16 ms of one core. As many run at once as there are cores; a short queue
//! waits; whoever comes after is asked to come again.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use platform::status::{self, Reason, Violation};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::{
    OwnWords,
    hashing::{Memory, hash, is_hash, verify},
    rules,
    workers::{Panicked, Workers},
};

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
    workers: Workers,
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
            workers: Workers::new(cores),
            stand_in: hash(&SecretString::default(), &memory).unwrap_or_default(),
            memory,
        }))
    }

    /// Hashes a password that somebody chooses in a field of a request, if it is
    /// one that they may choose.
    pub(crate) async fn choose(
        &self,
        password: SecretString,
        own: OwnWords,
        field: &str,
    ) -> Result<String, Status> {
        let (turn, inner) = (self.turn(self.place()?).await?, Arc::clone(&self.0));
        let chosen = self.with(turn, move || {
            let password = rules::normal(&password);
            rules::check(&password, &own).map(|()| hash(&password, &inner.memory))
        });
        let chosen = chosen.await.map_err(|error| status::internal(&error))?;
        let hash = chosen.map_err(|weakness| {
            let (code, rule) = weakness.told();
            let (field, rule) = (field.to_owned(), rule.to_owned());
            status::invalid([Violation { field, code, rule }])
        })?;
        hash.map_err(|error| status::internal(&error))
    }

    /// Hashes a password that was accepted before.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, Status> {
        let (turn, inner) = (self.turn(self.place()?).await?, Arc::clone(&self.0));
        let hash = self.with(turn, move || hash(&rules::normal(&password), &inner.memory)).await;
        hash.map_err(|error| status::internal(&error))?.map_err(|error| status::internal(&error))
    }

    /// Verifies a password against a hash, or against none in the same time, for
    /// somebody who has a place in the queue.
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
        let verdict = self.with(turn, move || verify_either(&password, &hash, &inner.memory)).await;
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

    /// Leaves the runtime for some work, and gives the turn back when it is done.
    async fn with<T: Send + 'static>(
        &self,
        turn: Turn,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Panicked> {
        let work = move || {
            let done = work();
            drop(turn);
            done
        };
        self.0.workers.run(work).await
    }
}

fn busy() -> Status {
    status::refuse_until(Reason::TOO_BUSY, Duration::from_secs(1))
}

/// Verifies a password in its normal form, then as it was typed: hashes were once
/// made of that.
fn verify_either(password: &SecretString, hash: &str, memory: &Memory) -> Verdict {
    let normal = rules::normal(password);
    match verify(&normal, hash, memory) {
        Verdict::Wrong if normal.expose_secret() != password.expose_secret() => {
            match verify(password, hash, memory) {
                Verdict::Wrong => Verdict::Wrong,
                Verdict::Right | Verdict::RightButOld => Verdict::RightButOld,
            }
        }
        verdict => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_same_on_every_keyboard_and_old_hashes_hold() {
        let memory = Memory::default();
        let (composed, typed) = ("Z\u{fc}rich im Winter", "Zu\u{308}rich im Winter");
        let new = hash(&rules::normal(&typed.into()), &memory).unwrap();
        assert_eq!(verify_either(&composed.into(), &new, &memory), Verdict::Right);
        assert_eq!(verify_either(&typed.into(), &new, &memory), Verdict::Right);
        let old = hash(&typed.into(), &memory).unwrap();
        assert_eq!(verify_either(&typed.into(), &old, &memory), Verdict::RightButOld);
        assert_eq!(verify_either(&"Zurich im Winter".into(), &old, &memory), Verdict::Wrong);
    }

    #[tokio::test]
    async fn what_may_not_be_chosen_is_not_hashed() {
        let own = OwnWords::new("ann@example.com", "ann", "");
        let passwords = Passwords::new();
        let choose = |password: &str| passwords.choose(password.into(), own.clone(), "password");
        let refused = choose("password1234").await.unwrap_err();
        assert_eq!(status::reason_of(&refused), Some(Reason::INVALID_FIELDS));
        assert!(refused.message().starts_with("password: is among the first"), "{refused:?}");
        assert!(choose("correct horse battery").await.unwrap().starts_with("$argon2id$"));
    }

    #[tokio::test]
    async fn nobody_gets_in_without_a_hash() {
        let passwords = Passwords::new();
        let place = passwords.place().unwrap();
        let verdict = passwords.verify_at(place, SecretString::default(), None).await.unwrap();
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
            let place = passwords.place().unwrap();
            passwords.verify_at(place, SecretString::default(), hash).await.unwrap();
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
