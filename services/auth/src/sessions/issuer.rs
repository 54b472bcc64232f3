//! What everybody gets who signs in: a session and its two tokens.

use std::sync::Arc;

use jiff::Timestamp;
use platform::time::to_proto;
use proto::auth::v1::{
    CreateSessionResponse, FinishPasskeySignInResponse, ImpersonateResponse,
    RedeemSignInLinkResponse, RefreshSessionResponse, Session, VerifySecondFactorResponse,
};

use super::{Assurance, Error, Issued, Lifetimes, claims};
use crate::{devices::Recognised, factors::Tickets, keys::KeySet, mail::PostOffice};

/// Issues access tokens.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    pub(crate) keys: Arc<KeySet>,
    /// Who the tokens say they come from.
    pub(crate) name: String,
    pub(crate) lifetimes: Lifetimes,
    /// Issues challenges to whoever has to show a second factor first.
    pub(crate) tickets: Arc<Tickets>,
    /// Takes letters to those whose sessions they are.
    pub(crate) post: PostOffice,
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
            device_token: None,
            device_token_expires_at: None,
        })
    }
}

/// The same with what makes the device known to the next sign-in.
pub(super) fn known_by(signed_in: SignedIn, device: Recognised) -> SignedIn {
    SignedIn {
        device_token: Some(device.token.into_text()),
        device_token_expires_at: Some(to_proto(device.expires_at)),
        ..signed_in
    }
}

/// The same for another way of signing in, whose reply may have fields for the
/// device, too.
macro_rules! signed_in {
    ($name:ident, $reply:ident $(, $device:ident)*) => {
        pub(crate) fn $name(signed_in: SignedIn) -> $reply {
            $reply {
                session: signed_in.session,
                access_token: signed_in.access_token,
                access_token_expires_at: signed_in.access_token_expires_at,
                refresh_token: signed_in.refresh_token,
                refresh_token_expires_at: signed_in.refresh_token_expires_at,
                $($device: signed_in.$device,)*
            }
        }
    };
}

signed_in!(redeemed, RedeemSignInLinkResponse, device_token, device_token_expires_at);
signed_in!(refreshed, RefreshSessionResponse);
signed_in!(impersonated, ImpersonateResponse);
signed_in!(
    second_factor_verified,
    VerifySecondFactorResponse,
    device_token,
    device_token_expires_at
);
signed_in!(passkey_signed_in, FinishPasskeySignInResponse, device_token, device_token_expires_at);
