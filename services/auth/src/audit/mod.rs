//! What happened to accounts: written down in the transaction in which it did,
//! chained by hashes within a second, and signed.
//!
//! An event first lies in the inbox, where a sign-in waits for nobody. One process
//! of the deployment moves what was committed into the log, gives each event its
//! place and a hash that covers the place before, and signs a checkpoint at least
//! every minute. What is still in the inbox, or behind the last checkpoint, can be
//! changed unseen by whoever owns the database: that is the window.

mod batch;
mod chain;
mod chainer;
mod checkpoint;
mod failures;
mod own;
mod rpc;
mod search;
mod store;
mod watch;

use uuid::Uuid;

pub use self::checkpoint::{Checkpoint, PURPOSE};
pub(crate) use self::{
    chain::{Entry, GENESIS, mark},
    chainer::{Chainer, LOCK, sign},
    failures::Failures,
    own::{Chained, chained, waiting},
    rpc::Rpc,
    store::{Line, forget, last_checkpoint, read_checkpoint, record},
};

/// Something that happened. The client's address and the request's id are found
/// where the request is.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    /// What.
    pub(crate) kind: Kind,
    /// Who did it, if they were signed in.
    pub(crate) actor: Option<Uuid>,
    /// Whose account it happened to.
    pub(crate) subject: Option<Uuid>,
    /// Which session it is about.
    pub(crate) session: Option<Uuid>,
    /// What else is to be known; never a secret, never an e-mail address. What may
    /// be about a person has one of the names of [`PRIVATE`].
    pub(crate) details: &'a [(&'a str, &'a str)],
}

/// The details that are kept where they can be erased, as the address always is.
pub(crate) const PRIVATE: [&str; 4] = ["address", "device", "reason", "user_agent"];

// === impl Event ===

impl Event<'_> {
    /// Something that somebody did with a session of a user.
    pub(crate) fn of_session(
        kind: Kind,
        actor: Option<Uuid>,
        user_id: Uuid,
        session_id: Uuid,
    ) -> Self {
        Self { kind, actor, subject: Some(user_id), session: Some(session_id), details: &[] }
    }
}

macro_rules! kinds {
    ($($kind:ident $name:literal $what:literal)*) => {
        /// What can happen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind {
            $(#[doc = $what] $kind,)*
        }

        impl Kind {
            /// Its name in the list of events.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    KeyCreated "key.created" "A signing key was made."
    KeyRevoked "key.revoked" "A signing key was taken away, with all that it had signed."
    SessionCreated "session.created" "Somebody signed in."
    SessionRefused "session.refused" "Somebody failed to sign in, once or more often."
    SessionEnded "session.ended" "A session was ended."
    SecondFactorAsked "session.second_factor_required" "Somebody has to show a second factor to sign in."
    Reauthenticated "session.reauthenticated" "Somebody proved once more who they are."
    FactorAdded "factor.added" "A second factor was added."
    FactorRemoved "factor.removed" "A second factor was removed."
    FactorRefused "factor.refused" "A wrong code or passkey was shown."
    PasskeyCopied "factor.counter_went_back" "A passkey counted backwards: there may be a copy of it."
    RecoveryCodesMade "recovery_codes.made" "Recovery codes were made."
    RecoveryCodeUsed "recovery_codes.used" "A recovery code was used."
    EmailVerified "email.verified" "An address was proven to be its account's owner's."
    EmailChangeRequested "email.change_requested" "Another address was asked for."
    EmailChanged "email.changed" "An account has another address."
    PasswordChanged "password.changed" "A password was changed by who knew the old one."
    PasswordResetRequested "password.reset_requested" "A letter to choose a new password was asked for."
    PasswordReset "password.reset" "A new password was chosen with such a letter."
    RefreshTokenReused "session.refresh_token_reused" "A refresh token was used again, too late."
    AccountCreated "account.created" "Somebody signed up."
    AccountChanged "account.changed" "An account was changed."
    AccountDeleted "account.deleted" "An account was deleted."
    AccountExported "account.exported" "Everything about an account was fetched by its owner."
    AccountSuspended "account.suspended" "Everybody was kept out of an account."
    AccountRestored "account.restored" "People were let into a suspended account again."
    RolesChanged "account.roles_changed" "The ranks of an account were changed."
    ResetSent "account.password_reset_sent" "An admin had a letter written to choose a new password with."
    SessionsEnded "account.sessions_ended" "An account was signed out everywhere."
    Impersonated "account.impersonated" "An admin signed in as somebody else."
    LinkMade "account.sign_in_link_made" "An operator made a link that signs in."
    Pruned "audit.pruned" "Old months of the log were dropped."
    ApiKeyCreated "api_key.created" "An API key was made."
    ApiKeyUsed "api_key.used" "An API key was exchanged; noted at most once a minute."
    ApiKeyRevoked "api_key.revoked" "An API key was ended before its time."
    ServiceAccountCreated "service_account.created" "A service account was made."
    ServiceAccountDeleted "service_account.deleted" "A service account and its keys were ended."
    DeviceUnknown "device.unknown" "Somebody signed in with a device that was not seen before."
    SignInsDelayed "sign_in.delayed" "So many sign-ins failed that the next ones have to wait."
    SignInsStopped "sign_in.stopped" "So many sign-ins failed that none is let in but from known devices."
    ProofsDelayed "proof.delayed" "So many wrong passwords were given within sessions that the next ones have to wait."
    SessionGuessed "session.ended_for_guesses" "A session was ended because too many wrong passwords were given in it."
    NetworkRefused "sign_in.network_refused" "So many guesses came from a network that it may make no more."
    IdentityLinked "identity.linked" "An account of another site was linked."
    IdentityUnlinked "identity.unlinked" "An account of another site was unlinked."
}
