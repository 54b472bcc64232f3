//! The letters there are.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// A letter and what it says. Links lead to pages that ask before they do anything.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Letter {
    /// Prove that this address is yours.
    EmailVerification { code: String, link: String, minutes: u32 },
    /// Somebody tried to sign up with the address of your account.
    AlreadySignedUp { link: String },
    /// To the new address: prove that it is yours.
    EmailChange { code: String, link: String, minutes: u32 },
    /// To the old address: it is not the account's any more.
    EmailChanged { new_email: String },
    /// Choose a new password.
    PasswordReset { code: String, link: String, minutes: u32 },
    /// Your password was changed.
    PasswordChanged {},
    /// Somebody signed in from a device that was not seen before.
    NewDevice { device: String, address: String },
    /// A refresh token was used by two: a copy of it is somewhere.
    SessionStolen { device: String, address: String },
    /// A second factor was added or removed.
    FactorsChanged { change: String },
    /// A way to sign in through another site was added or removed.
    IdentitiesChanged { change: String },
    /// Your account is gone, and all that belonged to it is being erased.
    AccountErased { receipt: String },
}

/// For how long sending is tried, unless the letter is of no use before.
const A_DAY: Duration = Duration::from_hours(24);

// === impl Letter ===

impl Letter {
    /// Its name in the queue.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::EmailVerification { .. } => "email_verification",
            Self::AlreadySignedUp { .. } => "already_signed_up",
            Self::EmailChange { .. } => "email_change",
            Self::EmailChanged { .. } => "email_changed",
            Self::PasswordReset { .. } => "password_reset",
            Self::PasswordChanged {} => "password_changed",
            Self::NewDevice { .. } => "new_device",
            Self::SessionStolen { .. } => "session_stolen",
            Self::FactorsChanged { .. } => "factors_changed",
            Self::IdentitiesChanged { .. } => "identities_changed",
            Self::AccountErased { .. } => "account_erased",
        }
    }

    /// For how long it is of any use: a code that has expired helps nobody.
    pub(super) fn useful_for(&self) -> Duration {
        match self {
            Self::EmailVerification { minutes, .. }
            | Self::EmailChange { minutes, .. }
            | Self::PasswordReset { minutes, .. } => {
                A_DAY.min(Duration::from_mins((*minutes).into()))
            }
            Self::AlreadySignedUp { .. }
            | Self::EmailChanged { .. }
            | Self::PasswordChanged {}
            | Self::NewDevice { .. }
            | Self::SessionStolen { .. }
            | Self::FactorsChanged { .. }
            | Self::IdentitiesChanged { .. }
            | Self::AccountErased { .. } => A_DAY,
        }
    }
}

/// What it says is nobody else's business, least of all a log's.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({})", self.kind())
    }
}
