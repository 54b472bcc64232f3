//! What admins do to the accounts of others: the rules, free of gRPC and SQL.
//!
//! Nobody does any of it to themselves, and all of it happens one after the other
//! among those who were seen to be admins within the same transaction. So whoever
//! acts stays an admin, and there always is one.

mod rpc;
mod store;

use uuid::Uuid;

pub(crate) use self::{rpc::Rpc, store::lock_ranks};

/// Who acts on whose account, and why.
#[derive(Debug)]
pub(crate) struct Act {
    admin: Uuid,
    target: Uuid,
    reason: String,
}

/// An account as far as acting on it goes.
#[derive(Debug)]
struct Target {
    roles: Vec<String>,
    is_suspended: bool,
}

/// What can go wrong when admins act.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("whoever acts is no admin any more")]
    NoAdmin,
    #[error("admins do not act on themselves")]
    Oneself,
    #[error("nobody may be signed in as an admin, or to a suspended account")]
    NotImpersonable,
    #[error(transparent)]
    User(#[from] crate::users::Error),
    #[error(transparent)]
    Session(#[from] crate::sessions::Error),
    #[error(transparent)]
    Database(#[from] database::Error),
}

// === impl Act ===

impl Act {
    /// What an admin wants to do to somebody else.
    fn new(admin: Uuid, target: Uuid, reason: &str) -> Result<Self, Error> {
        if admin == target {
            return Err(Error::Oneself);
        }
        Ok(Self { admin, target, reason: reason.trim().to_owned() })
    }
}

// === impl Target ===

impl Target {
    fn may_be_impersonated(&self) -> bool {
        let is_admin = self.roles.iter().any(|role| role == "admin");
        !is_admin && !self.is_suspended
    }
}

/// Ranks in the one form that is stored.
fn normal_roles(mut roles: Vec<String>) -> Vec<String> {
    roles.sort_unstable();
    roles.dedup();
    roles
}
