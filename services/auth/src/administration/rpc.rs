//! The gRPC edge: caller, decode, check, one call, reply.

use database::Replies;
use platform::{
    access::{Caller, admit},
    status::{self, Reason},
};
use proto::auth::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Act, Error, normal_roles, store};
use crate::{
    challenges::Desk,
    sessions::{Issuer, issuer::impersonated},
};

/// Serves `mainstay.auth.v1.AdministrationService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) replies: Replies,
    pub(crate) issuer: Issuer,
    pub(crate) desk: Desk,
}

#[tonic::async_trait]
impl pb::administration_service_server::AdministrationService for Rpc {
    async fn suspend_user(
        &self,
        request: Request<pb::SuspendUserRequest>,
    ) -> Result<Response<pb::SuspendUserResponse>, Status> {
        let (caller, request) = admit(request)?;
        let act = act(&caller, &request.user_id, &request.reason)?;
        let done = store::suspend(&self.replies.once(caller.request()), &act).await?;
        Ok(done.reply(|user| pb::SuspendUserResponse { user: Some(user) }))
    }

    async fn restore_user(
        &self,
        request: Request<pb::RestoreUserRequest>,
    ) -> Result<Response<pb::RestoreUserResponse>, Status> {
        let (caller, request) = admit(request)?;
        let act = act(&caller, &request.user_id, &request.reason)?;
        let done = store::restore(&self.replies.once(caller.request()), &act).await?;
        Ok(done.reply(|user| pb::RestoreUserResponse { user: Some(user) }))
    }

    async fn set_roles(
        &self,
        request: Request<pb::SetRolesRequest>,
    ) -> Result<Response<pb::SetRolesResponse>, Status> {
        let (caller, request) = admit(request)?;
        let act = act(&caller, &request.user_id, &request.reason)?;
        let roles = normal_roles(request.roles);
        let done = store::set_roles(&self.replies.once(caller.request()), &act, &roles).await?;
        Ok(done.reply(|user| pb::SetRolesResponse { user: Some(user) }))
    }

    async fn send_password_reset(
        &self,
        request: Request<pb::SendPasswordResetRequest>,
    ) -> Result<Response<pb::SendPasswordResetResponse>, Status> {
        let (caller, request) = admit(request)?;
        let act = act(&caller, &request.user_id, &request.reason)?;
        let done =
            store::send_reset(&self.replies.once(caller.request()), &act, &self.desk).await?;
        Ok(done.reply(|sent| sent))
    }

    async fn end_user_sessions(
        &self,
        request: Request<pb::EndUserSessionsRequest>,
    ) -> Result<Response<pb::EndUserSessionsResponse>, Status> {
        let (caller, request) = admit(request)?;
        let act = act(&caller, &request.user_id, &request.reason)?;
        let done = store::end_sessions(&self.replies.once(caller.request()), &act).await?;
        Ok(done.reply(|ended| ended))
    }

    async fn impersonate(
        &self,
        request: Request<pb::ImpersonateRequest>,
    ) -> Result<Response<pb::ImpersonateResponse>, Status> {
        let (caller, request) = admit(request)?;
        let act = act(&caller, &request.user_id, &request.reason)?;
        let once = self.replies.once(caller.request()).kept_for(self.issuer.lifetimes.access());
        let done = store::impersonate(&once, &act, &self.issuer).await?;
        Ok(done.reply(impersonated))
    }
}

/// Who wants to act on whom: the admin that the access rule asked for.
fn act(caller: &Caller, user_id: &str, reason: &str) -> Result<Act, Status> {
    Ok(Act::new(caller.user()?, caller.resolve(user_id)?, reason)?)
}

// === impl Error ===

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::NoAdmin => status::refuse(Reason::ROLE_REQUIRED),
            Error::Oneself => status::refuse(Reason::NOT_TO_YOURSELF),
            Error::NotImpersonable => status::refuse(Reason::NOT_IMPERSONABLE),
            Error::User(error) => error.into(),
            Error::Session(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}
