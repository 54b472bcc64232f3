//! Accounts: the rules, free of gRPC and SQL.

mod rpc;
mod store;

pub(crate) use self::store::find_in;
pub(crate) use self::{
    rpc::Rpc,
    store::{find, read},
};
use platform::{etag::Meant, mask::Mask};
use proto::auth::v1::{CreateUserRequest, UpdateUserRequest};
use secrecy::SecretString;
use uuid::Uuid;

/// An account that obeys every rule and may be stored once its password is hashed.
#[derive(Debug)]
pub(crate) struct NewAccount {
    id: Uuid,
    email: String,
    username: String,
    display_name: String,
}

/// What shall change about an account.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The version that shall change.
    meant: Meant,
    username: Option<String>,
    display_name: Option<String>,
}

/// What can go wrong with accounts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such user")]
    NotFound,
    #[error("another version than was meant")]
    Stale { current_etag: String, changed_fields: Vec<String> },
    #[error("the e-mail address is taken")]
    EmailTaken,
    #[error("the user name is taken")]
    UsernameTaken,
    #[error(transparent)]
    Database(#[from] database::Error),
}

/// The one form of an address that is stored and compared.
pub(crate) fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

// === impl NewAccount ===

impl NewAccount {
    /// Prepares an account from a request whose fields were checked.
    pub(crate) fn new(request: CreateUserRequest) -> (Self, SecretString) {
        let account = Self {
            id: Uuid::now_v7(),
            email: normal_email(&request.email),
            username: request.username,
            display_name: request.display_name.trim().to_owned(),
        };
        (account, request.password.into())
    }
}

// === impl Changes ===

impl Changes {
    /// Reads what shall change from a request whose fields were checked.
    pub(crate) fn new(request: UpdateUserRequest) -> Self {
        let mask = Mask::new(request.update_mask);
        let display_name = mask.value("display_name", request.display_name);
        Self {
            meant: Meant::optional(&request.etag),
            username: mask.value("username", request.username),
            display_name: display_name.map(|name| name.trim().to_owned()),
        }
    }
}
