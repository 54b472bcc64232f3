//! The gRPC edge: caller, decode, check, one call, reply.

use std::sync::Arc;

use database::{Pool, Replies};
use jiff::Timestamp;
use platform::{
    access::admit,
    page::Pages,
    status::{self, Reason, Violation},
};
use proto::auth::v1 as pb;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Changes, Error, NewAccount, SignUp, search::Search, sign_up, store};
use crate::{challenges::Desk, pace::Pace, passwords::Passwords, privacy};

/// Serves `mainstay.auth.v1.UserService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) replies: Replies,
    pub(crate) pages: Arc<Pages>,
    pub(crate) passwords: Passwords,
    pub(crate) desk: Desk,
    pub(crate) sign_up: SignUp,
}

#[tonic::async_trait]
impl pb::user_service_server::UserService for Rpc {
    async fn create_user(
        &self,
        request: Request<pb::CreateUserRequest>,
    ) -> Result<Response<pb::CreateUserResponse>, Status> {
        let (caller, request) = admit(request)?;
        if self.sign_up == SignUp::Closed {
            return Err(status::refuse(Reason::SIGN_UP_CLOSED));
        }
        let (account, password) = NewAccount::new(request)?;
        let hash = self.passwords.choose(password, account.own_words(), "password").await?;
        let once = self.replies.once(caller.request());
        let pace = Pace::begin();
        let done = sign_up::begin(&once, self.sign_up, (&account, &hash), &self.desk).await;
        let done = match self.sign_up {
            SignUp::Verified => pace.keep(done).await?,
            SignUp::Open | SignUp::Closed => done?,
        };
        Ok(done.reply(|user| pb::CreateUserResponse { user: Some(user) }))
    }

    async fn get_user(
        &self,
        request: Request<pb::GetUserRequest>,
    ) -> Result<Response<pb::GetUserResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let user = store::find(&self.pool, user_id).await?;
        Ok(Response::new(pb::GetUserResponse { user: Some(user) }))
    }

    async fn list_users(
        &self,
        request: Request<pb::ListUsersRequest>,
    ) -> Result<Response<pb::ListUsersResponse>, Status> {
        let (_, request) = admit(request)?;
        let (now, search) = (Timestamp::now(), Search::new(&request)?);
        let page =
            self.pages.read(request.page_size, &request.page_token, &search.filter(), now)?;
        let mut users = store::list(&self.pool, &page, &search).await?;
        let next_page_token = self.pages.cut(&page, &mut users, now, |(key, _)| *key);
        let users = users.into_iter().map(|(_, user)| user).collect();
        Ok(Response::new(pb::ListUsersResponse { users, next_page_token }))
    }

    async fn update_user(
        &self,
        request: Request<pb::UpdateUserRequest>,
    ) -> Result<Response<pb::UpdateUserResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let changes = Changes::new(request);
        let user = store::update(&self.pool, user_id, &changes, caller.actor()).await?;
        Ok(Response::new(pb::UpdateUserResponse { user: Some(user) }))
    }

    async fn delete_user(
        &self,
        request: Request<pb::DeleteUserRequest>,
    ) -> Result<Response<pb::DeleteUserResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let given = (&self.desk.post, user_id, caller.actor());
        let erased = self.pool.transaction(given, |transaction, &(post_office, user_id, by)| {
            Box::pin(privacy::begin(transaction, post_office, user_id, by))
        });
        erased.await?;
        let forget = (caller.user_id() == Some(user_id)).then(String::new);
        Ok(Response::new(pb::DeleteUserResponse {
            access_token: forget.clone(),
            refresh_token: forget,
        }))
    }

    async fn batch_get_profiles(
        &self,
        request: Request<pb::BatchGetProfilesRequest>,
    ) -> Result<Response<pb::BatchGetProfilesResponse>, Status> {
        let (_, request) = admit(request)?;
        // What is not an id names nobody, and nobody is left out.
        let ids: Vec<_> =
            request.user_ids.iter().filter_map(|id| Uuid::try_parse(id).ok()).collect();
        let profiles = store::profiles(&self.pool, &ids).await?;
        Ok(Response::new(pb::BatchGetProfilesResponse { profiles }))
    }
}

// === impl Error ===

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => status::not_found("user"),
            Error::Stale { current_etag, changed_fields } => {
                status::stale(&current_etag, &changed_fields)
            }
            Error::EmailTaken => status::refuse(Reason::EMAIL_TAKEN),
            Error::UsernameTaken => status::refuse(Reason::USERNAME_TAKEN),
            Error::LastAdmin => status::refuse(Reason::LAST_ADMIN),
            Error::UsernameReserved => status::refuse(Reason::USERNAME_RESERVED),
            Error::NoAddress => status::invalid([Violation {
                field: "email".to_owned(),
                code: "INVALID",
                rule: "must be an e-mail address".to_owned(),
            }]),
            Error::Database(error) => error.into(),
        }
    }
}
