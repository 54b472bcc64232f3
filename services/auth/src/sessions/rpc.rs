//! The gRPC edge: caller, decode, check, one call, reply.

use std::{sync::Arc, time::Duration};

use database::{Once, Pool, Replies};
use platform::{
    access::{Caller, admit},
    status::{self, Reason},
};
use proto::auth::v1 as pb;
use secrecy::SecretString;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Error, Opening, Proof, ending,
    issuer::{self, Issuer},
    refresh::{self, Refreshed},
    store,
};
use crate::{
    audit::Failures,
    defence::{Account, Defence, Guess},
    devices::Device,
    passwords::{Passwords, Verdict},
    secrets::Token,
    users,
};

/// Serves `mainstay.auth.v1.SessionService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) replies: Replies,
    pub(crate) passwords: Passwords,
    pub(crate) defence: Arc<Defence>,
    pub(crate) issuer: Issuer,
    pub(crate) failures: Failures,
}

#[tonic::async_trait]
impl pb::session_service_server::SessionService for Rpc {
    async fn create_session(
        &self,
        request: Request<pb::CreateSessionRequest>,
    ) -> Result<Response<pb::CreateSessionResponse>, Status> {
        let (caller, request) = admit(request)?;
        let device = Device::presented(request.device_token, &request.device_name);
        let password = request.password.into();
        let (guess, opening) = self.authenticate(&request.email, password, device).await?;
        let created = store::create(&self.once(&caller), (&guess, &opening), &self.issuer).await;
        let is_settled = match &created {
            Ok(done) => !done.is_replayed(),
            Err(error) => matches!(error, Error::SecondFactor(_)),
        };
        if !is_settled {
            self.defence.settle(&guess).await?;
        }
        Ok(created?.reply(|signed_in| signed_in))
    }

    async fn redeem_sign_in_link(
        &self,
        request: Request<pb::RedeemSignInLinkRequest>,
    ) -> Result<Response<pb::RedeemSignInLinkResponse>, Status> {
        let (caller, request) = admit(request)?;
        let link = Token::presented(request.token);
        let device = Device::presented(request.device_token, &request.device_name);
        let done = store::redeem(&self.once(&caller), (&link, &device), &self.issuer).await?;
        Ok(done.reply(issuer::redeemed))
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
        let is_current = caller.session_id() == Some(session_id);
        let session = pb::Session { user: Some(user), is_current, ..session };
        Ok(Response::new(pb::GetSessionResponse { session: Some(session) }))
    }

    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        let (caller, _) = admit(request)?;
        let lifetimes = self.issuer.lifetimes;
        let mut sessions = store::list(&self.pool, signed_in(&caller)?, lifetimes).await?;
        let current = caller.session_id().map(|id| id.to_string()).unwrap_or_default();
        for session in &mut sessions {
            session.is_current = session.id == current;
        }
        Ok(Response::new(pb::ListSessionsResponse { sessions }))
    }

    async fn refresh_session(
        &self,
        request: Request<pb::RefreshSessionRequest>,
    ) -> Result<Response<pb::RefreshSessionResponse>, Status> {
        let (_, request) = admit(request)?;
        // No idempotency key: for a moment a token gives the same successor anyway,
        // and after that it must not.
        let token = Token::presented(request.refresh_token);
        match refresh::refresh(&self.pool, &token, &self.issuer).await? {
            Refreshed::SignedIn(signed_in) => Ok(Response::new(issuer::refreshed(*signed_in))),
            Refreshed::Refused => Err(Error::Ended.into()),
            Refreshed::Revoked(session_id) => {
                tracing::warn!(
                    %session_id,
                    event.name = "auth.session.refresh_token_reused",
                    "session {session_id} ended: a refresh token was used again"
                );
                Err(Error::Ended.into())
            }
        }
    }

    async fn delete_session(
        &self,
        request: Request<pb::DeleteSessionRequest>,
    ) -> Result<Response<pb::DeleteSessionResponse>, Status> {
        let (caller, request) = admit(request)?;
        let session_id = resolve(&caller, &request.session_id)?;
        let is_own = caller.session_id() == Some(session_id);
        if caller.has_ended() && !is_own {
            return Err(Error::Ended.into());
        }
        match ending::end(&self.pool, session_id, caller.user()?, caller.actor()).await {
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

    async fn end_sessions(
        &self,
        request: Request<pb::EndSessionsRequest>,
    ) -> Result<Response<pb::EndSessionsResponse>, Status> {
        let (caller, request) = admit(request)?;
        let except = match request.which() {
            pb::SessionRange::All => None,
            pb::SessionRange::Others | pb::SessionRange::Unspecified => caller.session_id(),
        };
        let once = self.replies.once(caller.request());
        let done = ending::end_many(&once, signed_in(&caller)?, except, caller.actor()).await?;
        Ok(done.reply(|ended| ended))
    }
}

// === impl Rpc ===

impl Rpc {
    /// Finds out who signs in with an e-mail address and a password. Whether there is
    /// nobody, the password is wrong or it comes too soon takes the same time and
    /// gives the same answer. The guess is still to be settled.
    async fn authenticate(
        &self,
        email: &str,
        password: SecretString,
        device: Device,
    ) -> Result<(Guess, Opening), Status> {
        let email = users::normal_email(email);
        let waited = self.defence.line_up(&email, &password, &device).await?;
        let place = self.passwords.place()?;
        let guess = self.defence.count(waited).await?;
        let hash = guess.password_hash();
        let verdict = self.passwords.verify_at(place, password.clone(), hash).await?;
        let (user_id, password_hash) = match (guess.account(), verdict) {
            (Some(account), Verdict::Right) => {
                (account.user_id, Some(account.password_hash.clone()))
            }
            (Some(account), Verdict::RightButOld) => {
                if let Err(error) = self.rehash(account, password).await {
                    tracing::warn!(code = ?error.code(), "an old password hash was kept");
                }
                (account.user_id, None)
            }
            (None, _) | (_, Verdict::Wrong) => {
                self.failures.note(guess.account().map(|account| account.user_id));
                self.defence.note_failure(&guess).await?;
                return Err(Error::WrongCredentials.into());
            }
        };
        let opening = Opening::of(user_id, Proof::Password).with(device);
        Ok((guess, Opening { password_hash, ..opening }))
    }

    async fn rehash(&self, account: &Account, password: SecretString) -> Result<(), Status> {
        let hash = self.passwords.hash(password).await?;
        Ok(store::rehash(&self.pool, account.user_id, (&account.password_hash, &hash)).await?)
    }

    /// Whoever signs in again with the same idempotency key gets the same session
    /// while its first access token is good; later they get a new one.
    fn once<'a>(&'a self, caller: &'a Caller) -> Once<'a> {
        let keep = Duration::from_secs(self.issuer.lifetimes.access.into());
        self.replies.once(caller.request()).kept_for(keep)
    }
}

/// Whoever calls; machines, too, which have no sessions.
fn signed_in(caller: &Caller) -> Result<Uuid, Status> {
    caller.user_id().ok_or_else(|| status::refuse(Reason::SIGN_IN_REQUIRED))
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
            Error::SecondFactor(asked) => status::second_factor(&asked.challenge, &asked.methods),
            Error::User(error) => error.into(),
            Error::Damaged(_) | Error::Keys(_) => status::internal(&error),
            Error::Database(error) => error.into(),
        }
    }
}
