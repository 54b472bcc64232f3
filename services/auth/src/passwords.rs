//! Password hashes, made and verified off the runtime and never too many at once.
//!
//! Argon2id with 19 MiB, two passes and one lane (OWASP Password Storage): about
//! 16 ms of one core. As many run at once as there are cores; a short queue
//! waits; whoever comes after is asked to come again.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use platform::{
    server,
    status::{self, Reason},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::Status;

const QUEUE: usize = 64;

/// Hashes and verifies passwords.
#[derive(Clone, Debug)]
pub(crate) struct Passwords(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// One for each that runs or waits.
    places: Semaphore,
    /// One for each that runs.
    cores: Semaphore,
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

/// Hashing failed, which is never the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("password hashing failed: {0}")]
struct HashingFailed(String);

// === impl Passwords ===

impl Passwords {
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Inner {
            places: Semaphore::new(cores + QUEUE),
            cores: Semaphore::new(cores),
            stand_in: hash(&SecretString::default()).unwrap_or_default(),
        }))
    }

    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, Status> {
        let _turn = self.turn().await?;
        let hash = server::blocking(move || hash(&password)).await;
        hash.map_err(|error| status::internal(&error))?.map_err(|error| status::internal(&error))
    }

    /// Verifies a password against a hash, or against none in the same time.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<Verdict, Status> {
        let _turn = self.turn().await?;
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.0.stand_in.clone());
        let verdict = server::blocking(move || verify(&password, &hash)).await;
        let verdict = verdict.map_err(|error| status::internal(&error))?;
        Ok(if exists { verdict } else { Verdict::Wrong })
    }

    async fn turn(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), Status> {
        let busy = || status::refuse_until(Reason::TOO_BUSY, Duration::from_secs(1));
        let place = self.0.places.try_acquire().map_err(|_full| busy())?;
        let core = self.0.cores.acquire().await.map_err(|_closed| busy())?;
        Ok((place, core))
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

fn hash(password: &SecretString) -> Result<String, HashingFailed> {
    let hash = argon2().hash_password(password.expose_secret().as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| HashingFailed(error.to_string()))
}

fn verify(password: &SecretString, hash: &str) -> Verdict {
    let Ok(parsed) = PasswordHash::new(hash) else { return Verdict::Wrong };
    let password = password.expose_secret().as_bytes();
    if argon2().verify_password(password, &parsed).is_err() {
        return Verdict::Wrong;
    }
    let is_current = Params::try_from(&parsed).is_ok_and(|params| {
        let used = (params.m_cost(), params.t_cost(), params.p_cost());
        used == (Params::DEFAULT.m_cost(), Params::DEFAULT.t_cost(), Params::DEFAULT.p_cost())
    });
    if is_current { Verdict::Right } else { Verdict::RightButOld }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_password_and_no_other() {
        let hash = hash(&"correct horse".into()).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(verify(&"correct horse".into(), &hash), Verdict::Right);
        assert_eq!(verify(&"correct horsf".into(), &hash), Verdict::Wrong);
        assert_eq!(verify(&SecretString::default(), ""), Verdict::Wrong);
    }

    #[test]
    fn old_parameters_are_noticed() {
        let params = Params::new(8 * 1024, 1, 1, None).unwrap();
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = old.hash_password(b"correct horse").unwrap().to_string();
        assert_eq!(verify(&"correct horse".into(), &hash), Verdict::RightButOld);
    }

    #[tokio::test]
    async fn nobody_gets_in_without_a_hash() {
        let passwords = Passwords::new();
        let verdict = passwords.verify(SecretString::default(), None).await.unwrap();
        assert_eq!(verdict, Verdict::Wrong);
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
