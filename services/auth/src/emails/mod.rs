//! Addresses of accounts: proving and changing them.

mod rpc;
mod store;

use uuid::Uuid;

pub(crate) use self::rpc::Rpc;
use crate::{reproof::Reproof, users};

/// Another address for an account.
#[derive(Debug)]
struct Change {
    user_id: Uuid,
    /// The new address, in its one form.
    email: String,
    /// Whether whoever asks has proven who they are.
    reproof: Reproof,
    /// Whether they may learn that somebody has the address.
    tells_taken: bool,
}

/// What can go wrong with addresses.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the code or the link is not valid")]
    Invalid,
    #[error("the address was written to enough")]
    TooMany,
    #[error("who asks has not proven enough who they are")]
    Unproven(Reproof),
    #[error(transparent)]
    User(#[from] users::Error),
    #[error(transparent)]
    Database(#[from] database::Error),
}
