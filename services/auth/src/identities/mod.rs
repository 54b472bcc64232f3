//! Accounts of other sites that sign people in: the rules, free of gRPC and SQL.
//!
//! Whoever comes from another site is known by its issuer and their subject there,
//! never by an e-mail address: addresses change hands, and a site may say anything.

mod arrivals;
mod egress;
mod flow;
mod links;
mod metadata;
mod names;
mod provider;
mod rpc;
mod settings;
mod store;
mod verify;
mod visits;

use uuid::Uuid;

pub(crate) use self::{provider::Providers, rpc::Rpc, settings::Settings};

/// Who somebody is at another site, and what that site says about them.
#[derive(Debug)]
pub(crate) struct Claimed {
    issuer: String,
    subject: String,
    email: Option<String>,
    is_email_verified: bool,
    /// Obeys the rules of our user names; may be taken.
    username: String,
    display_name: String,
}

/// An account that has the e-mail address of somebody who is new.
#[derive(Clone, Copy, Debug)]
struct Holder {
    user_id: Uuid,
    /// Whether its address proved to be its owner's.
    is_verified: bool,
}

/// What becomes of somebody who comes from another site for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    /// They get an account; whether its address counts as verified.
    New { is_verified: bool },
    /// They are the owner of an account.
    Owner(Uuid),
    /// The address belongs to an account, and nothing proves that it is theirs.
    EmailTaken,
}

/// Why another site signed nobody in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("it cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("it does not answer")]
    Silent,
    #[error("its authorization endpoint is nowhere that a browser may be sent to")]
    Nowhere,
    #[error("{0}")]
    Refused(String),
}

/// What can go wrong with identities.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such provider")]
    UnknownProvider,
    #[error("the visit was not begun here, or is over")]
    WrongFlow,
    #[error("the site signed nobody in: {0}")]
    Provider(#[from] Failure),
    #[error("an account has the e-mail address")]
    EmailTaken,
    #[error("the site told no e-mail address")]
    EmailMissing,
    #[error("it is linked to another account")]
    Taken,
    #[error("the account is linked to another account of that site")]
    SiteLinked,
    #[error("nothing else signs in to the account")]
    LastWay,
    #[error("no such identity")]
    NotFound,
    #[error("nobody can sign up")]
    SignUpClosed,
    #[error(transparent)]
    Session(#[from] crate::sessions::Error),
    #[error(transparent)]
    Database(#[from] database::Error),
}

// === impl Arrival ===

impl Arrival {
    /// Decides about somebody whom nobody here knows.
    ///
    /// An account is given to them only if a site that the operator trusts says that
    /// they have proved the address, and the account's owner has proved it to us: who
    /// signed up with somebody else's address waits in vain for them to arrive.
    fn decide(is_trusted: bool, is_email_verified: bool, holder: Option<Holder>) -> Self {
        let is_proved = is_trusted && is_email_verified;
        match holder {
            None => Self::New { is_verified: is_proved },
            Some(holder) if is_proved && holder.is_verified => Self::Owner(holder.user_id),
            Some(_) => Self::EmailTaken,
        }
    }
}

// === impl Failure ===

impl Failure {
    fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_given_only_to_whom_all_three_say_it_belongs() {
        let user_id = Uuid::now_v7();
        for is_trusted in [false, true] {
            for is_email_verified in [false, true] {
                let is_proved = is_trusted && is_email_verified;
                let decide = |holder| Arrival::decide(is_trusted, is_email_verified, holder);
                assert_eq!(decide(None), Arrival::New { is_verified: is_proved });
                let unverified = Holder { user_id, is_verified: false };
                assert_eq!(decide(Some(unverified)), Arrival::EmailTaken);
                let verified = Holder { user_id, is_verified: true };
                let expected =
                    if is_proved { Arrival::Owner(user_id) } else { Arrival::EmailTaken };
                assert_eq!(decide(Some(verified)), expected);
            }
        }
    }
}
