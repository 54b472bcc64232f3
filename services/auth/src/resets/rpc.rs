//! The gRPC edge: caller, decode, check, one call, reply.

use std::sync::Arc;

use database::{Pool, Replies};
use platform::{
    access::admit,
    status::{self, Reason},
};
use proto::auth::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Change, Error, store};
use crate::{
    challenges::{self, Answer, Desk, Purpose},
    defence::Defence,
    pace::Pace,
    passwords::Passwords,
    reproof::{self, Fresh, Prover, Reproof},
    users,
};

/// Serves `mainstay.auth.v1.PasswordService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) replies: Replies,
    pub(crate) passwords: Passwords,
    pub(crate) prover: Prover,
    pub(crate) desk: Desk,
    pub(crate) defence: Arc<Defence>,
}

#[tonic::async_trait]
impl pb::password_service_server::PasswordService for Rpc {
    async fn change_password(
        &self,
        request: Request<pb::ChangePasswordRequest>,
    ) -> Result<Response<pb::ChangePasswordResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let (who, standing) = reproof::standing(&self.pool, &caller, user_id).await?;
        let (current, chosen) = (request.current_password, request.password.into());
        let reproof = standing.prove((&self.prover, who), current, Fresh::WithoutPassword).await?;
        let proven = match reproof {
            Reproof::Given => {
                Ok(self.passwords.choose(chosen, standing.own_words, "password").await?)
            }
            other => Err(other),
        };
        let session_id = caller.session_id();
        let (email, had) = (standing.email, standing.password_hash);
        let change = Change { user_id, session_id, email, had, proven };
        let once = self.replies.once(caller.request());
        let done = store::change(&once, &change, &self.desk.post).await?;
        Ok(done.reply(|reply| reply))
    }

    async fn request_password_reset(
        &self,
        request: Request<pb::RequestPasswordResetRequest>,
    ) -> Result<Response<pb::RequestPasswordResetResponse>, Status> {
        let pace = Pace::begin();
        let (caller, request) = admit(request)?;
        let email = users::normal_email(&request.email);
        let once = self.replies.once(caller.request());
        let done = store::request(&once, &email, &self.desk).await;
        Ok(pace.keep(done).await?.reply(|reply| reply))
    }

    async fn confirm_password_reset(
        &self,
        request: Request<pb::ConfirmPasswordResetRequest>,
    ) -> Result<Response<pb::ConfirmPasswordResetResponse>, Status> {
        let pace = Pace::begin();
        let (caller, request) = admit(request)?;
        let answer = Answer::new(request.token, &request.email, &request.code);
        let purposes = &[Purpose::Reset];
        let found = challenges::find(&self.pool, &self.desk.codes, &answer, purposes).await?;
        let mut chosen = None;
        if let Some(challenge) = found
            && let Some(own_words) = store::own_words(&self.pool, &challenge).await?
        {
            let password = request.password.into();
            let hash = self.passwords.choose(password, own_words, "password").await?;
            chosen = Some((challenge, hash));
        }
        let chosen = chosen.as_ref().map(|(challenge, hash)| (challenge, hash.as_str()));
        let once = self.replies.once(caller.request());
        let done = store::reset(&once, chosen, (&self.desk.post, &self.defence)).await;
        Ok(pace.keep(done).await?.reply(|reply| reply))
    }
}

// === impl Error ===

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid => status::refuse(Reason::EMAIL_CODE_INVALID),
            Error::Unproven(reproof) => {
                status::refuse(reproof.refusal().unwrap_or(Reason::NOT_YOURS))
            }
            Error::Database(error) => error.into(),
        }
    }
}
