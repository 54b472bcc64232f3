//! Machines: keys that are exchanged for access tokens, and accounts of their own.

mod accounts_rpc;
mod listing;
mod rpc;
mod store;
mod tokens;

use platform::identity::ApiKey;
use proto::auth::v1 as pb;
use uuid::Uuid;

pub(crate) use self::{
    accounts_rpc::Rpc as AccountsRpc,
    listing::keys_of,
    rpc::Rpc,
    store::{end_keys_of_user, ensure_service_key},
};

/// As many keys may one owner have.
pub(crate) const MOST_KEYS: i64 = 50;
/// As many service accounts may there be.
pub(crate) const MOST_ACCOUNTS: i64 = 100;
/// A key is good for this many days unless its owner says otherwise.
const USUAL_DAYS: i32 = 90;
const MOST_DAYS: i32 = 365;

/// Whom a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A user, whose roles it lends while they have them.
    User(Uuid),
    /// An account of a machine.
    ServiceAccount(Uuid),
}

/// A key that obeys every rule and may be stored.
#[derive(Debug)]
pub(crate) struct NewKey {
    key: ApiKey,
    owner: Owner,
    name: String,
    scopes: Vec<String>,
    days: i32,
}

/// A service account that obeys every rule and may be stored.
#[derive(Debug)]
pub(crate) struct NewAccount {
    id: Uuid,
    name: String,
    roles: Vec<String>,
}

/// What can go wrong with machines.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such API key")]
    NoKey,
    #[error("no such service account")]
    NoAccount,
    #[error("the owner is gone")]
    NoOwner,
    #[error("the API key is not valid")]
    Invalid,
    #[error("the name is taken")]
    NameTaken,
    #[error("there are as many as there may be")]
    TooMany,
    #[error(transparent)]
    Keys(#[from] crate::keys::Error),
    #[error(transparent)]
    Database(#[from] database::Error),
}

// === impl Owner ===

impl Owner {
    /// Its id.
    pub(crate) fn id(self) -> Uuid {
        match self {
            Self::User(id) | Self::ServiceAccount(id) => id,
        }
    }

    fn user_id(self) -> Option<Uuid> {
        match self {
            Self::User(id) => Some(id),
            Self::ServiceAccount(_) => None,
        }
    }

    fn service_account_id(self) -> Option<Uuid> {
        match self {
            Self::User(_) => None,
            Self::ServiceAccount(id) => Some(id),
        }
    }
}

// === impl NewKey ===

impl NewKey {
    /// Prepares a key of a user from a request whose fields were checked.
    fn of_user(user_id: Uuid, request: pb::CreateApiKeyRequest) -> Self {
        let pb::CreateApiKeyRequest { name, scopes, expires_in_days, .. } = request;
        Self::new(Owner::User(user_id), &name, scopes, expires_in_days)
    }

    /// The same of a service account.
    fn of_account(account_id: Uuid, request: pb::CreateServiceAccountKeyRequest) -> Self {
        let pb::CreateServiceAccountKeyRequest { name, scopes, expires_in_days, .. } = request;
        Self::new(Owner::ServiceAccount(account_id), &name, scopes, expires_in_days)
    }

    /// A key of a service of the product, which needs no scopes for what is open to
    /// services alone.
    fn of_service(account_id: Uuid, key: &ApiKey, name: &str) -> Self {
        let owner = Owner::ServiceAccount(account_id);
        let new = Self::new(owner, name, Vec::new(), Some(MOST_DAYS));
        Self { key: key.clone(), ..new }
    }

    fn new(owner: Owner, name: &str, scopes: Vec<String>, days: Option<i32>) -> Self {
        let name = name.trim().to_owned();
        Self { key: ApiKey::random(), owner, name, scopes, days: days.unwrap_or(USUAL_DAYS) }
    }
}

// === impl NewAccount ===

impl NewAccount {
    /// Prepares an account from a request whose fields were checked.
    fn new(request: pb::CreateServiceAccountRequest) -> Self {
        let pb::CreateServiceAccountRequest { name, roles } = request;
        Self { id: Uuid::now_v7(), name, roles }
    }
}
