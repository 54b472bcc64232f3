//! Guessing passwords: made useless for whoever guesses, without locking out whom
//! they guess at.
//!
//! Each sign-in is counted as failed before its password is looked at, so that many
//! at once cannot outrun the count. After five failures in a row an address has to
//! wait, a second first and then twice as long each time; what comes too early is
//! answered as a wrong password is, after the same work, so that nobody can tell
//! whether it was one. Addresses without an account are counted alike. A known
//! device has a count of its own, which strangers cannot run up. After a hundred
//! failures only known devices are let in, until a new password is chosen.
//!
//! Passwords that are shown within sessions have counts of their own (`proofs`).
//!
//! Lists of stolen passwords are tried with few guesses for each of many addresses:
//! a network from which so many guesses came in three hours may make no more, but
//! from known devices.

mod lanes;
mod proofs;
mod refusal;
mod store;

use std::{num::NonZeroU32, time::Duration};

use database::{Pool, Transaction};
use platform::{
    fingerprint::Fingerprints, limits::Payer, request_id::RequestContext, seal::MasterKey,
};
use proto::options::v1::RateClass;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use self::lanes::{Lane, Lanes};
pub(crate) use self::proofs::Who;
use crate::{audit::Kind, devices::Device};

/// From so many failures in a row on, the next sign-in has to wait.
const DELAYED_FROM: i32 = 5;
/// After so many, none is let in.
const STOPPED_FROM: i32 = 100;

/// Counts sign-ins.
#[derive(Debug)]
pub(crate) struct Defence {
    pool: Pool,
    fingerprints: Fingerprints,
    lanes: Lanes,
    stuffing_limit: NonZeroU32,
}

/// A sign-in that was counted and is to be judged.
#[derive(Debug)]
pub(crate) struct Guess {
    account: Option<Account>,
    is_let_in: bool,
    failures: i32,
    /// It makes so many guesses from its network; none if it is none, because it was
    /// made before or on a known device.
    crowd: Option<i64>,
    marks: Marks,
    /// The next sign-in to the address waits until this one is settled.
    _lane: Lane,
}

/// A sign-in whose turn it is.
#[derive(Debug)]
pub(crate) struct Waited<'a> {
    email: &'a str,
    token: Option<Vec<u8>>,
    marks: Marks,
    lane: Lane,
}

/// An account as signing in needs it.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) user_id: Uuid,
    pub(crate) password_hash: String,
}

/// By what a sign-in is recognised in the counts.
#[derive(Debug)]
struct Marks {
    address: [u8; 32],
    device: [u8; 32],
    network: [u8; 32],
    guess: [u8; 32],
    /// Which of the first two counts.
    is_known: bool,
}

/// Why a sign-in is not even looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("too many guesses from one network")]
    Crowded(Duration),
    #[error("too many sign-ins to one address at once")]
    Busy,
    #[error("the session has ended")]
    Ended,
    #[error(transparent)]
    Database(#[from] database::Error),
}

// === impl Defence ===

impl Defence {
    pub(crate) fn new(pool: &Pool, master: &MasterKey, stuffing_limit: NonZeroU32) -> Self {
        let fingerprints = Fingerprints::new(master, "sign-in attempts");
        Self { pool: pool.clone(), fingerprints, lanes: Lanes::new(), stuffing_limit }
    }

    /// Waits until no other sign-in to the same address is under way.
    pub(crate) async fn line_up<'a>(
        &self,
        email: &'a str,
        password: &SecretString,
        device: &Device,
    ) -> Result<Waited<'a>, Error> {
        let token = device.hash();
        let marks = self.marks(email, password, token.as_deref());
        // Known devices do not wait in the line of strangers.
        let line = if token.is_some() { &marks.device } else { &marks.address };
        let lane = self.lanes.enter(line).await?;
        Ok(Waited { email, token, marks, lane })
    }

    /// Counts a sign-in as failed until it is settled, and finds its account.
    pub(crate) async fn count(&self, waited: Waited<'_>) -> Result<Guess, Error> {
        store::reserve(self, waited).await
    }

    /// Takes back that a sign-in has failed. What failed before it on the same
    /// count is forgotten, too, and nothing else.
    pub(crate) async fn settle(&self, guess: &Guess) -> Result<(), Error> {
        store::settle(&self.pool, &guess.marks).await
    }

    /// Writes down what failures came to, if this one was the last straw.
    pub(crate) async fn note_failure(&self, guess: &Guess) -> Result<(), Error> {
        let kind = match (guess.failures, guess.crowd) {
            _ if !guess.is_let_in => return Ok(()),
            (DELAYED_FROM, _) => Kind::SignInsDelayed,
            (STOPPED_FROM, _) => Kind::SignInsStopped,
            (_, Some(crowd)) if crowd == self.limit() => Kind::NetworkRefused,
            _ => return Ok(()),
        };
        let user_id = guess.account.as_ref().map(|account| account.user_id);
        store::record(&self.pool, kind, user_id).await
    }

    /// Forgets the failures of an address whose owner has chosen a new password.
    pub(crate) async fn forgive(
        &self,
        transaction: &Transaction<'_>,
        email: &str,
    ) -> Result<(), database::Error> {
        let address = self.fingerprints.of([b"address", email.as_bytes(), b""]);
        store::forgive(transaction, &address).await
    }

    fn limit(&self) -> i64 {
        i64::from(self.stuffing_limit.get())
    }

    fn marks(&self, email: &str, password: &SecretString, token: Option<&[u8]>) -> Marks {
        let of = |parts: [&[u8]; 3]| self.fingerprints.of(parts);
        let client = RequestContext::current().and_then(|context| context.client);
        let network = Payer::of(RateClass::SignIn, None, client).to_string();
        let email = email.as_bytes();
        let mut guess = of([b"guess", email, b""]);
        // Two bytes tell guesses apart; all of it would tell what was guessed.
        let password = of([b"password", email, password.expose_secret().as_bytes()]);
        for (to, from) in guess.iter_mut().zip(password.into_iter().take(2)) {
            *to = from;
        }
        Marks {
            address: of([b"address", email, b""]),
            device: of([b"device", email, token.unwrap_or_default()]),
            network: of([b"network", network.as_bytes(), b""]),
            guess,
            is_known: false,
        }
    }
}

// === impl Guess ===

impl Guess {
    /// As [`Defence::settle`] does, if the transaction is committed.
    pub(crate) async fn settle(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<(), database::Error> {
        store::settle_in(transaction, &self.marks).await
    }

    /// What the password is compared with.
    pub(crate) fn password_hash(&self) -> Option<String> {
        self.account.as_ref().map(|account| account.password_hash.clone())
    }

    /// The account, if it may be signed in to just now.
    pub(crate) fn account(&self) -> Option<&Account> {
        self.account.as_ref().filter(|_| self.is_let_in)
    }
}

// === impl Marks ===

impl Marks {
    /// The count that the sign-in is on.
    fn attempt(&self) -> &[u8] {
        if self.is_known { &self.device } else { &self.address }
    }
}

// === impl Error ===

impl database::Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Crowded(_) | Self::Busy | Self::Ended => None,
            Self::Database(error) => Some(error),
        }
    }
}
