//! Sessions: the rules, free of gRPC and SQL.

mod ending;
pub(crate) mod issuer;
mod opening;
mod refresh;
mod renewal;
mod rpc;
mod store;

use std::time::Duration;

use jiff::Timestamp;
use platform::token::{AUDIENCE, Claims};
use uuid::Uuid;

pub(crate) use self::{
    ending::{end_all, end_for_guesses, sweep},
    issuer::{Issuer, SignedIn, passkey_signed_in, second_factor_verified},
    opening::{Assurance, Opening, Proof},
    renewal::{renew, require_strong},
    rpc::Rpc,
    store::open,
};
use crate::secrets::Token;

/// How long things last, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    /// An access token.
    pub(crate) access: u32,
    /// A refresh token that is not used.
    pub(crate) idle: u32,
    /// A session, however much it is used.
    pub(crate) session: u32,
    /// A refresh token of an admin that is not used.
    pub(crate) admin_idle: u32,
    /// A session of an admin.
    pub(crate) admin_session: u32,
    /// For how long a used refresh token still gives the same successor.
    pub(crate) grace: u32,
}

/// A refresh token just issued.
#[derive(Debug)]
pub(crate) struct Issued {
    session_id: Uuid,
    user_id: Uuid,
    token: Token,
    expires_at: Timestamp,
}

/// A refresh token that was presented, as the database knows it.
#[derive(Debug)]
struct Presented {
    session_id: Uuid,
    user_id: Uuid,
    expires_at: Timestamp,
    /// The token's own time is not over.
    is_current: bool,
    /// Its session has neither ended nor expired.
    is_alive: bool,
    /// It was used a moment ago; none if it was never used.
    is_in_grace: Option<bool>,
    successor: Option<Vec<u8>>,
}

/// What is done about a refresh token that was presented.
#[derive(Debug, PartialEq, Eq)]
enum Decision<'a> {
    /// Give it a successor.
    Rotate,
    /// Give its owner the same successor again: another tab, or a lost reply.
    Repeat(&'a [u8]),
    /// Somebody has a copy: end the session.
    Revoke,
    /// It is too late for it.
    Refuse,
}

/// What can go wrong with sessions.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("wrong e-mail address or password")]
    WrongCredentials,
    #[error("the sign-in link is not valid")]
    WrongLink,
    #[error("the session has ended")]
    Ended,
    #[error("no such session")]
    NotFound,
    #[error("a second factor is required")]
    SecondFactor(Box<crate::factors::Asked>),
    #[error("the successor of a refresh token is damaged")]
    Damaged(#[from] platform::seal::Unsealable),
    #[error(transparent)]
    User(#[from] crate::users::Error),
    #[error(transparent)]
    Keys(#[from] crate::keys::Error),
    #[error(transparent)]
    Database(#[from] database::Error),
}

// === impl Lifetimes ===

impl Default for Lifetimes {
    fn default() -> Self {
        const DAY: u32 = 24 * 60 * 60;
        Self {
            access: 300,
            idle: 14 * DAY,
            session: 30 * DAY,
            admin_idle: 30 * 60,
            admin_session: 12 * 60 * 60,
            grace: 10,
        }
    }
}

impl Lifetimes {
    /// How long an access token lasts.
    pub(crate) fn access(&self) -> Duration {
        Duration::from_secs(self.access.into())
    }
}

// === impl Presented ===

impl Presented {
    fn decide(&self) -> Decision<'_> {
        match (self.is_alive, self.is_in_grace, &self.successor) {
            (true, None, _) if self.is_current => Decision::Rotate,
            (false, _, _) | (true, None, _) => Decision::Refuse,
            (true, Some(true), Some(successor)) => Decision::Repeat(successor),
            (true, Some(_), _) => Decision::Revoke,
        }
    }
}

/// What the access token of a session says.
fn claims(
    issuer: &str,
    session: &Issued,
    (roles, assurance): (&[String], &Assurance),
    now: Timestamp,
    lifetimes: Lifetimes,
) -> Claims {
    let now = now.as_second();
    Claims {
        iss: issuer.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: session.user_id,
        sid: session.session_id,
        jti: Uuid::now_v7(),
        iat: now,
        nbf: now,
        exp: (now + i64::from(lifetimes.access)).min(session.expires_at.as_second()),
        roles: roles.to_owned(),
        auth_time: assurance.authenticated_at.as_second(),
        acr: assurance.acr().to_owned(),
        amr: assurance.amr.clone(),
        act: assurance.actor.clone(),
        scope: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presented(is_alive: bool, is_current: bool, is_in_grace: Option<bool>) -> Presented {
        Presented {
            session_id: Uuid::nil(),
            user_id: Uuid::nil(),
            expires_at: Timestamp::UNIX_EPOCH,
            is_current,
            is_alive,
            is_in_grace,
            successor: is_in_grace.map(|_| vec![1]),
        }
    }

    #[test]
    fn every_state_of_a_refresh_token() {
        let cases = [
            (true, true, None, Decision::Rotate),
            (true, false, None, Decision::Refuse),
            (true, true, Some(true), Decision::Repeat(&[1])),
            (true, false, Some(true), Decision::Repeat(&[1])),
            (true, true, Some(false), Decision::Revoke),
            (false, true, None, Decision::Refuse),
            (false, true, Some(true), Decision::Refuse),
            (false, true, Some(false), Decision::Refuse),
        ];
        for (is_alive, is_current, is_in_grace, expected) in cases {
            let token = presented(is_alive, is_current, is_in_grace);
            assert_eq!(token.decide(), expected, "{token:?}");
        }
    }
}
