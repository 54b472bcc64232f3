//! Proving once more who one is, before what proves it is changed.

use std::sync::Arc;

use database::Pool;
use platform::{
    access::Caller,
    status::{self, Reason},
};
use secrecy::SecretString;
use tonic::Status;
use uuid::Uuid;

use crate::{
    audit::Failures,
    defence::{Defence, Who},
    passwords::{Passwords, Verdict},
    sessions,
    users::{self, Standing},
};

/// Verifies the passwords of people who are signed in, and counts the wrong ones.
#[derive(Clone, Debug)]
pub(crate) struct Prover {
    pub(crate) pool: Pool,
    pub(crate) passwords: Passwords,
    pub(crate) defence: Arc<Defence>,
    pub(crate) failures: Failures,
}

/// Whether somebody has proven once more who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reproof {
    /// They have.
    Given,
    /// With a password that is not theirs.
    Wrong,
    /// They gave no password, where one would do.
    NoPassword,
    /// The password would not do, and they have signed in too long ago.
    Stale,
}

/// When a sign-in that is a few minutes old is as good as the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    Suffices,
    /// Only where no password opens the account.
    WithoutPassword,
}

/// How the owner of an account stands before it; refused when their session has
/// ended.
pub(crate) async fn standing(
    pool: &Pool,
    caller: &Caller,
    user_id: Uuid,
) -> Result<(Who, Standing), Status> {
    let ended = || status::refuse(Reason::SESSION_ENDED);
    let session_id = caller.session_id().ok_or_else(ended)?;
    let standing = users::standing(pool, user_id, session_id).await?.ok_or_else(ended)?;
    Ok((Who { user_id, session_id }, standing))
}

// === impl Prover ===

impl Prover {
    /// Whether a password is the one of an account. What comes too early takes the
    /// same time as a wrong one and is told apart by nothing.
    pub(crate) async fn verify(
        &self,
        who: Who,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<bool, Status> {
        let turn = self.defence.line_up_to_prove(who).await?;
        let place = self.passwords.place()?;
        let proof = self.defence.count_proof(turn).await?;
        let verdict = self.passwords.verify_at(place, password, hash).await?;
        if verdict != Verdict::Wrong && proof.is_let_in() {
            self.defence.settle_proof(&proof).await?;
            return Ok(true);
        }
        self.failures.note(Some(who.user_id));
        self.defence.note_wrong_proof(&proof).await?;
        if proof.ends_session() {
            sessions::end_for_guesses(&self.pool, &self.defence, who).await?;
            return Err(status::refuse(Reason::SESSION_ENDED));
        }
        Ok(false)
    }
}

// === impl Standing ===

impl Standing {
    /// Whether they prove once more who they are. A password that is given counts,
    /// however fresh their sign-in is.
    pub(crate) async fn prove(
        &self,
        (prover, who): (&Prover, Who),
        password: String,
        fresh: Fresh,
    ) -> Result<Reproof, Status> {
        // Where there is a second factor, a fresh session has seen it; a password has not.
        if self.has_second_factor && !self.is_fresh {
            return Ok(Reproof::Stale);
        }
        let has_password = !self.password_hash.is_empty();
        if has_password && !password.is_empty() {
            let hash = Some(self.password_hash.clone());
            let is_right = prover.verify(who, password.into(), hash).await?;
            return Ok(if is_right { Reproof::Given } else { Reproof::Wrong });
        }
        let is_enough = fresh == Fresh::Suffices || !has_password;
        Ok(match (self.is_fresh && is_enough, has_password) {
            (true, _) => Reproof::Given,
            (false, true) => Reproof::NoPassword,
            (false, false) => Reproof::Stale,
        })
    }
}

// === impl Reproof ===

impl Reproof {
    /// The refusal, if there is one.
    pub(crate) fn refusal(self) -> Option<&'static Reason> {
        match self {
            Self::Given => None,
            Self::Wrong => Some(Reason::CURRENT_PASSWORD_WRONG),
            Self::NoPassword => Some(Reason::CURRENT_PASSWORD_REQUIRED),
            Self::Stale => Some(Reason::FRESH_SIGN_IN_REQUIRED),
        }
    }
}
