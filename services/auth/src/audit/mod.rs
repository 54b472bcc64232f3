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
    rpc::Rpc,
    store::{last_checkpoint, read_checkpoint, record},
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
    SessionCreated "session.created" "Somebody signed in."
    SessionRefused "session.refused" "Somebody failed to sign in, once or more often."
    SessionEnded "session.ended" "A session was ended."
    RefreshTokenReused "session.refresh_token_reused" "A refresh token was used again, too late."
    AccountCreated "account.created" "Somebody signed up."
    AccountChanged "account.changed" "An account was changed."
    AccountDeleted "account.deleted" "An account was deleted."
    AccountSuspended "account.suspended" "Everybody was kept out of an account."
    AccountRestored "account.restored" "People were let into a suspended account again."
    RolesChanged "account.roles_changed" "The ranks of an account were changed."
    SessionsEnded "account.sessions_ended" "An account was signed out everywhere."
    Impersonated "account.impersonated" "An admin signed in as somebody else."
    LinkMade "account.sign_in_link_made" "An operator made a link that signs in."
    Pruned "audit.pruned" "Old months of the log were dropped."
}
