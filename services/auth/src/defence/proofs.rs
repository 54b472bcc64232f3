//! Passwords that somebody who is signed in proves once more who they are with:
//! guessed at by whoever has the session of another.
//!
//! They have a count of their own for each account, whatever they are given for:
//! nobody runs it up who is not signed in, and nobody is kept from signing in by it.
//! The delays are those of sign-ins. The twentieth wrong one in a row ends the
//! session that it was given in, and the count with it: a session that guesses is
//! not its owner's, and the owner need not wait for what it did.

use database::{Error as Fault, Transaction};
use uuid::Uuid;

use super::{DELAYED_FROM, Defence, Error, lanes::Lane, store};
use crate::audit::Kind;

/// After so many, the session is ended.
const ENDED_FROM: i32 = 20;

/// Somebody who is signed in, and the session in which they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub(crate) user_id: Uuid,
    pub(crate) session_id: Uuid,
}

/// A password whose turn it is.
#[derive(Debug)]
pub(crate) struct Turn {
    who: Who,
    mark: [u8; 32],
    lane: Lane,
}

/// A password that was counted as wrong and is to be judged.
#[derive(Debug)]
pub(crate) struct Proof {
    who: Who,
    mark: [u8; 32],
    failures: i32,
    is_let_in: bool,
    /// The next one waits until this one is settled.
    _lane: Lane,
}

// === impl Defence ===

impl Defence {
    /// Waits until no other password for the same account is being judged.
    pub(crate) async fn line_up_to_prove(&self, who: Who) -> Result<Turn, Error> {
        let mark = self.proofs_of(who.user_id);
        Ok(Turn { who, mark, lane: self.lanes.enter(&mark).await? })
    }

    /// Counts a password as wrong until it is settled; refused when the session has
    /// ended.
    pub(crate) async fn count_proof(&self, turn: Turn) -> Result<Proof, Error> {
        let Turn { who, mark, lane } = turn;
        let (failures, is_let_in) = store::reserve_proof(&self.pool, &mark, who).await?;
        Ok(Proof { who, mark, failures, is_let_in, _lane: lane })
    }

    /// Takes back that a password was wrong, and forgets those before it.
    pub(crate) async fn settle_proof(&self, proof: &Proof) -> Result<(), Error> {
        Ok(store::settle_proof(&self.pool, &proof.mark).await?)
    }

    /// Writes down that the next ones have to wait, if this was the last straw.
    pub(crate) async fn note_wrong_proof(&self, proof: &Proof) -> Result<(), Error> {
        if proof.is_let_in && proof.failures == DELAYED_FROM {
            store::record(&self.pool, Kind::ProofsDelayed, Some(proof.who.user_id)).await?;
        }
        Ok(())
    }

    /// Forgets the wrong passwords that were given within an account's sessions.
    pub(crate) async fn forgive_proofs(
        &self,
        transaction: &Transaction<'_>,
        user_id: Uuid,
    ) -> Result<(), Fault> {
        store::forgive(transaction, &self.proofs_of(user_id)).await
    }

    fn proofs_of(&self, user_id: Uuid) -> [u8; 32] {
        self.fingerprints.of([b"proof", user_id.as_bytes(), b""])
    }
}

// === impl Proof ===

impl Proof {
    /// Whether the password counts, if it is right.
    pub(crate) fn is_let_in(&self) -> bool {
        self.is_let_in
    }

    /// Whether it was one too many, if it is wrong.
    pub(crate) fn ends_session(&self) -> bool {
        self.is_let_in && self.failures >= ENDED_FROM
    }
}
