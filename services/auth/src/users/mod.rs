//! Accounts: the rules, free of gRPC and SQL.

mod names;
mod rpc;
mod search;
mod sign_up;
mod store;
mod waiting;

use std::str::FromStr;

use platform::{etag::Meant, mask::Mask};
use proto::auth::v1::{CreateUserRequest, UpdateUserRequest};
use secrecy::SecretString;
use uuid::Uuid;

pub(crate) use self::{
    names::{Username, normal_email},
    rpc::Rpc,
    sign_up::complete,
    store::{Standing, find, find_in, is_email_taken, keep_an_admin, read, standing},
    waiting::sign_up_hash,
};
use crate::passwords::OwnWords;

/// Who may sign up, and when an account comes into being.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SignUp {
    /// Anybody, at once; a taken address is told to be taken.
    #[default]
    Open,
    /// Anybody, as soon as the address is proven; nobody learns which addresses
    /// have accounts.
    Verified,
    /// Nobody.
    Closed,
}

/// The setting is none of the three.
#[derive(Debug, thiserror::Error)]
#[error("must be open, verified or closed")]
pub(crate) struct NoSignUp;

/// An account that obeys every rule and may be stored once its password is hashed.
#[derive(Debug)]
pub(crate) struct NewAccount {
    id: Uuid,
    email: String,
    username: Username,
    display_name: String,
    /// Whether the address is proven already.
    is_proven: bool,
}

/// What shall change about an account.
#[derive(Debug)]
pub(crate) struct Changes {
    /// The version that shall change.
    meant: Meant,
    username: Option<Username>,
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
    #[error("nobody else is an admin")]
    LastAdmin,
    #[error("the user name is reserved")]
    UsernameReserved,
    #[error("no e-mail address")]
    NoAddress,
    #[error(transparent)]
    Database(#[from] database::Error),
}

/// Reads an address that mail could reach, in its one form.
pub(crate) fn address(email: &str) -> Result<String, Error> {
    names::address(email).ok_or(Error::NoAddress)
}

// === impl SignUp ===

impl FromStr for SignUp {
    type Err = NoSignUp;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "open" => Ok(Self::Open),
            "verified" => Ok(Self::Verified),
            "closed" => Ok(Self::Closed),
            _ => Err(NoSignUp),
        }
    }
}

// === impl NewAccount ===

impl NewAccount {
    /// Prepares an account from a request whose fields were checked.
    pub(crate) fn new(request: CreateUserRequest) -> Result<(Self, SecretString), Error> {
        let account = Self {
            id: Uuid::now_v7(),
            email: address(&request.email)?,
            username: Username::new(request.username),
            display_name: names::display_name(&request.display_name),
            is_proven: false,
        };
        if account.username.is_reserved() {
            return Err(Error::UsernameReserved);
        }
        Ok((account, request.password.into()))
    }

    /// The words that no password of this account may be made of.
    fn own_words(&self) -> OwnWords {
        OwnWords::new(&self.email, &self.username.text, &self.display_name)
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
            username: mask.value("username", request.username).map(Username::new),
            display_name: display_name.map(|name| names::display_name(&name)),
        }
    }

    /// The fields that shall change, with commas between them.
    fn fields(&self) -> String {
        let display_name = self.display_name.as_ref().map(|_| "display_name");
        let username = self.username.as_ref().map(|_| "username");
        display_name.into_iter().chain(username).collect::<Vec<_>>().join(",")
    }
}
