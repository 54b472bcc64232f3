//! The gRPC edge: caller, decode, check, one call, reply.

use std::time::Duration;

use database::{Pool, Replies};
use platform::{
    access::admit,
    status::{self, Reason},
};
use proto::auth::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Change, Error, store};
use crate::{
    challenges::{self, Answer, Challenge, Desk, Purpose},
    pace::Pace,
    passwords::Verdict,
    reproof::{self, Fresh, Prover, Reproof},
    users::{self, SignUp},
};

/// Serves `mainstay.auth.v1.EmailService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) replies: Replies,
    pub(crate) prover: Prover,
    pub(crate) desk: Desk,
    pub(crate) sign_up: SignUp,
}

#[tonic::async_trait]
impl pb::email_service_server::EmailService for Rpc {
    async fn request_email_verification(
        &self,
        request: Request<pb::RequestEmailVerificationRequest>,
    ) -> Result<Response<pb::RequestEmailVerificationResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let (_, standing) = reproof::standing(&self.pool, &caller, user_id).await?;
        if standing.is_email_verified {
            return Ok(Response::new(pb::RequestEmailVerificationResponse {}));
        }
        let once = self.replies.once(caller.request());
        let done = store::request(&once, user_id, &standing.email, &self.desk).await?;
        Ok(done.reply(|reply| reply))
    }

    async fn confirm_email(
        &self,
        request: Request<pb::ConfirmEmailRequest>,
    ) -> Result<Response<pb::ConfirmEmailResponse>, Status> {
        let pace = Pace::begin();
        let (caller, request) = admit(request)?;
        let answer = Answer::new(request.token, &request.email, &request.code);
        let purposes = &Purpose::OF_EMAILS;
        let found = challenges::find(&self.pool, &self.desk.codes, &answer, purposes).await?;
        let reproof = match &found {
            Some(it) if it.purpose == Purpose::SignUp => {
                self.prove_sign_up(it, request.current_password).await?
            }
            _ => Reproof::Given,
        };
        let once = self.replies.once(caller.request());
        let answered = found.as_ref().map(|it| (it, reproof));
        let done = store::confirm(&once, answered, &self.desk.post).await;
        Ok(pace.keep(done).await?.reply(|reply| reply))
    }

    async fn change_email(
        &self,
        request: Request<pb::ChangeEmailRequest>,
    ) -> Result<Response<pb::ChangeEmailResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let email = users::address(&request.email)?;
        let (who, standing) = reproof::standing(&self.pool, &caller, user_id).await?;
        let reproof =
            standing.prove((&self.prover, who), request.password, Fresh::Suffices).await?;
        let tells_taken = self.sign_up != SignUp::Verified;
        let change = Change { user_id, email, reproof, tells_taken };
        let once = self.replies.once(caller.request());
        let done = store::ask_for_change(&once, &change, &self.desk).await?;
        Ok(done.reply(|reply| reply))
    }
}

// === impl Rpc ===

impl Rpc {
    /// Whether the reader of a letter is who signed up.
    async fn prove_sign_up(
        &self,
        challenge: &Challenge,
        password: String,
    ) -> Result<Reproof, Status> {
        if password.is_empty() {
            return Ok(Reproof::NoPassword);
        }
        let hash = users::sign_up_hash(&self.pool, challenge.id).await?;
        let passwords = &self.prover.passwords;
        let verdict = passwords.verify_at(passwords.place()?, password.into(), hash).await?;
        Ok(if verdict == Verdict::Wrong { Reproof::Wrong } else { Reproof::Given })
    }
}

// === impl Error ===

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid => status::refuse(Reason::EMAIL_CODE_INVALID),
            Error::TooMany => status::refuse_until(Reason::RATE_LIMITED, Duration::from_mins(1)),
            Error::Unproven(reproof) => {
                status::refuse(reproof.refusal().unwrap_or(Reason::NOT_YOURS))
            }
            Error::User(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}
