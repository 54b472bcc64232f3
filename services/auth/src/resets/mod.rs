//! Passwords that are changed, and passwords that are lost.

mod rpc;
mod store;

use uuid::Uuid;

pub(crate) use self::rpc::Rpc;
use crate::reproof::Reproof;

/// A new password for an account, chosen by who knows the old one.
#[derive(Debug)]
struct Change {
    user_id: Uuid,
    /// The session that it is done in, which goes on.
    session_id: Option<Uuid>,
    /// Where the account's owner is told.
    email: String,
    /// The hash of the password that was proven; empty if there was none.
    had: String,
    /// Whether whoever asks has proven who they are; if not, the new password is
    /// not looked at.
    proven: Result<String, Reproof>,
}

/// What can go wrong with passwords.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the code or the link is not valid")]
    Invalid,
    #[error("who asks has not proven enough who they are")]
    Unproven(Reproof),
    #[error(transparent)]
    Database(#[from] database::Error),
}
