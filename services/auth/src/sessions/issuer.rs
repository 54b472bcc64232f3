//! What everybody gets who signs in: a session and its two tokens.

use std::sync::Arc;

use jiff::Timestamp;
use platform::time::to_proto;
use proto::auth::v1::{
    CreateSessionResponse, RedeemSignInLinkResponse, RefreshSessionResponse, Session,
};

use super::{Assurance, Error, Issued, Lifetimes, claims};
use crate::keys::KeySet;

/// Issues access tokens.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    pub(crate) keys: Arc<KeySet>,
    /// Who the tokens say they come from.
    pub(crate) name: String,
    pub(crate) lifetimes: Lifetimes,
}

/// Everything that a reply about a new or refreshed session carries; the replies
/// to other ways of signing in are made of it.
pub(crate) type SignedIn = CreateSessionResponse;

// === impl Issuer ===

impl Issuer {
    /// Completes a reply: the session, who it belongs to, and both tokens.
    pub(super) fn sign_in(
        &self,
        session: Session,
        issued: Issued,
        assurance: &Assurance,
    ) -> Result<SignedIn, Error> {
        let roles = session.user.as_ref().map_or(&[][..], |user| &user.roles);
        let (who, now) = ((roles, assurance), Timestamp::now());
        let claims = claims(&self.name, &issued, who, now, self.lifetimes);
        Ok(SignedIn {
            session: Some(session),
            access_token: Some(self.keys.sign(&claims)?),
            access_token_expires_at: Some(prost_types::Timestamp { seconds: claims.exp, nanos: 0 }),
            refresh_token: Some(issued.token.into_text()),
            refresh_token_expires_at: Some(to_proto(issued.expires_at)),
        })
    }
}

/// The same for another way of signing in.
macro_rules! signed_in {
    ($name:ident, $reply:ident) => {
        pub(super) fn $name(signed_in: SignedIn) -> $reply {
            $reply {
                session: signed_in.session,
                access_token: signed_in.access_token,
                access_token_expires_at: signed_in.access_token_expires_at,
                refresh_token: signed_in.refresh_token,
                refresh_token_expires_at: signed_in.refresh_token_expires_at,
            }
        }
    };
}

signed_in!(redeemed, RedeemSignInLinkResponse);
signed_in!(refreshed, RefreshSessionResponse);
