//! Proving once more who one is, before what proves it is changed.

use database::Pool;
use platform::{
    access::Caller,
    status::{self, Reason},
};
use secrecy::SecretString;
use tonic::Status;
use uuid::Uuid;

use crate::{
    passwords::{Passwords, Verdict},
    users::{self, Standing},
};

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
) -> Result<Standing, Status> {
    let ended = || status::refuse(Reason::SESSION_ENDED);
    let session_id = caller.session_id().ok_or_else(ended)?;
    users::standing(pool, user_id, session_id).await?.ok_or_else(ended)
}

// === impl Standing ===

impl Standing {
    /// Whether they prove once more who they are. A password that is given counts,
    /// however fresh their sign-in is.
    pub(crate) async fn prove(
        &self,
        passwords: &Passwords,
        password: String,
        fresh: Fresh,
    ) -> Result<Reproof, Status> {
        // Where there is a second factor, a fresh session has seen it; a password has not.
        if self.has_second_factor && !self.is_fresh {
            return Ok(Reproof::Stale);
        }
        let has_password = !self.password_hash.is_empty();
        if has_password && !password.is_empty() {
            let password = SecretString::from(password);
            let hash = Some(self.password_hash.clone());
            return Ok(match passwords.verify(password, hash).await? {
                Verdict::Wrong => Reproof::Wrong,
                Verdict::Right | Verdict::RightButOld => Reproof::Given,
            });
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
