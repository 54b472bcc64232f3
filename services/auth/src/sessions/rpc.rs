//! The gRPC edge: caller, decode, check, one call, reply.

use std::sync::Arc;

use database::Pool;
use jiff::Timestamp;
use platform::{
    access::{Caller, admit},
    status::{self, Reason},
    time::to_proto,
};
use proto::auth::v1 as pb;
use secrecy::SecretString;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Error, Issued, Lifetimes, claims, store};
use crate::{
    keys::KeySet,
    passwords::{Passwords, Verdict},
    secrets::Token,
    users,
};

/// Serves `mainstay.auth.v1.SessionService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) passwords: Passwords,
    pub(crate) keys: Arc<KeySet>,
    pub(crate) issuer: String,
    pub(crate) lifetimes: Lifetimes,
}

/// Everything that a reply about a new or refreshed session carries.
struct SignedIn {
    session: pb::Session,
    access_token: String,
    access_token_expires_at: prost_types::Timestamp,
    refresh_token: String,
    refresh_token_expires_at: prost_types::Timestamp,
}

macro_rules! signed_in {
    ($reply:ident, $signed_in:expr) => {{
        let signed_in = $signed_in;
        Ok(Response::new(pb::$reply {
            session: Some(signed_in.session),
            access_token: Some(signed_in.access_token),
            access_token_expires_at: Some(signed_in.access_token_expires_at),
            refresh_token: Some(signed_in.refresh_token),
            refresh_token_expires_at: Some(signed_in.refresh_token_expires_at),
        }))
    }};
}

#[tonic::async_trait]
impl pb::session_service_server::SessionService for Rpc {
    async fn create_session(
        &self,
        request: Request<pb::CreateSessionRequest>,
    ) -> Result<Response<pb::CreateSessionResponse>, Status> {
        let (_, request) = admit(request)?;
        let user_id = self.authenticate(&request.email, request.password.into()).await?;
        let issued = store::create(&self.pool, user_id, self.lifetimes).await?;
        signed_in!(CreateSessionResponse, self.sign_in(issued).await?)
    }

    async fn redeem_sign_in_link(
        &self,
        request: Request<pb::RedeemSignInLinkRequest>,
    ) -> Result<Response<pb::RedeemSignInLinkResponse>, Status> {
        let (_, request) = admit(request)?;
        let link = Token::presented(request.token);
        let issued = store::redeem(&self.pool, &link, self.lifetimes).await?;
        signed_in!(RedeemSignInLinkResponse, self.sign_in(issued).await?)
    }

    async fn get_session(
        &self,
        request: Request<pb::GetSessionRequest>,
    ) -> Result<Response<pb::GetSessionResponse>, Status> {
        let (caller, request) = admit(request)?;
        let session_id = resolve(&caller, &request.session_id)?;
        let user_id = caller.user()?;
        let session = store::find(&self.pool, session_id, user_id).await?;
        let session = session.ok_or_else(|| gone(&caller, session_id))?;
        let user = users::find(&self.pool, user_id).await?;
        let session = pb::Session { user: Some(user), ..session };
        Ok(Response::new(pb::GetSessionResponse { session: Some(session) }))
    }

    async fn refresh_session(
        &self,
        request: Request<pb::RefreshSessionRequest>,
    ) -> Result<Response<pb::RefreshSessionResponse>, Status> {
        let (_, request) = admit(request)?;
        let token = Token::presented(request.refresh_token);
        let issued = match store::refresh(&self.pool, &token, self.lifetimes).await? {
            store::Refreshed::Issued(issued) => issued,
            store::Refreshed::Refused => return Err(Error::Ended.into()),
            store::Refreshed::Revoked(session_id) => {
                tracing::warn!(
                    %session_id,
                    event.name = "auth.session.refresh_token_reused",
                    "session {session_id} ended: a refresh token was used again"
                );
                return Err(Error::Ended.into());
            }
        };
        signed_in!(RefreshSessionResponse, self.sign_in(issued).await?)
    }

    async fn delete_session(
        &self,
        request: Request<pb::DeleteSessionRequest>,
    ) -> Result<Response<pb::DeleteSessionResponse>, Status> {
        let (caller, request) = admit(request)?;
        let session_id = resolve(&caller, &request.session_id)?;
        let is_own = caller.session_id() == Some(session_id);
        match store::end(&self.pool, session_id, caller.user()?).await {
            // Signing out twice, or after the session has ended, is signing out.
            Err(Error::NotFound) if is_own => {}
            ended => ended?,
        }
        let forget = is_own.then(String::new);
        Ok(Response::new(pb::DeleteSessionResponse {
            access_token: forget.clone(),
            refresh_token: forget,
        }))
    }
}

// === impl Rpc ===

impl Rpc {
    /// The user with an e-mail address and a password. Whether there is none or
    /// the password is wrong takes the same time and gives the same answer.
    async fn authenticate(&self, email: &str, password: SecretString) -> Result<Uuid, Status> {
        let account = store::account(&self.pool, &users::normal_email(email)).await?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let verdict = self.passwords.verify(password.clone(), hash).await?;
        match (account, verdict) {
            (Some(account), Verdict::Right) => Ok(account.user_id),
            (Some(account), Verdict::RightButOld) => {
                if let Err(error) = self.rehash(&account, password).await {
                    tracing::warn!(code = ?error.code(), "an old password hash was kept");
                }
                Ok(account.user_id)
            }
            (None, _) | (_, Verdict::Wrong) => Err(Error::WrongCredentials.into()),
        }
    }

    async fn rehash(&self, account: &store::Account, password: SecretString) -> Result<(), Status> {
        let hash = self.passwords.hash(password).await?;
        Ok(store::rehash(&self.pool, account, &hash).await?)
    }

    /// Completes a reply: the session, who it belongs to, and both tokens.
    async fn sign_in(&self, issued: Issued) -> Result<SignedIn, Status> {
        let Issued { session_id, user_id, .. } = issued;
        let session = store::find(&self.pool, session_id, user_id).await?.ok_or(Error::Ended)?;
        let user = users::find(&self.pool, user_id).await?;
        let claims = claims(&self.issuer, &issued, &user.roles, Timestamp::now(), self.lifetimes);
        let access_token = self.keys.sign(&claims).map_err(Error::from)?;
        Ok(SignedIn {
            session: pb::Session { user: Some(user), ..session },
            access_token,
            access_token_expires_at: prost_types::Timestamp { seconds: claims.exp, nanos: 0 },
            refresh_token: issued.token.into_text(),
            refresh_token_expires_at: to_proto(issued.expires_at),
        })
    }
}

/// Resolves the session that a request names: an id, or `current`.
fn resolve(caller: &Caller, session_id: &str) -> Result<Uuid, Status> {
    match session_id {
        "current" => caller.session_id().ok_or_else(|| status::refuse(Reason::SIGN_IN_REQUIRED)),
        id => Uuid::try_parse(id).map_err(|_none| Error::NotFound.into()),
    }
}

/// A caller whose own session has ended must sign in again; somebody else's
/// session does not exist.
fn gone(caller: &Caller, session_id: Uuid) -> Error {
    if caller.session_id() == Some(session_id) { Error::Ended } else { Error::NotFound }
}

// === impl Error ===

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::WrongCredentials => status::refuse(Reason::INVALID_CREDENTIALS),
            Error::WrongLink => status::refuse(Reason::SIGN_IN_LINK_INVALID),
            Error::Ended => status::refuse(Reason::SESSION_ENDED),
            Error::NotFound => status::not_found("session"),
            Error::Damaged(_) | Error::Keys(_) => status::internal(&error),
            Error::Database(error) => error.into(),
        }
    }
}
