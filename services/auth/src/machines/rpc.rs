//! The gRPC edge of keys: caller, decode, check, one call, reply.

use std::time::Duration;

use database::{Pool, Replies};
use platform::{
    access::admit,
    status::{self, Reason},
};
use proto::auth::v1 as pb;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Error, NewKey, Owner, listing, store};
use crate::sessions::Issuer;

/// How long a reply that shows a key is kept, sealed, for whoever lost it.
pub(super) const SHOWN_AGAIN: Duration = Duration::from_mins(5);

/// Serves `mainstay.auth.v1.ApiKeyService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) replies: Replies,
    pub(crate) issuer: Issuer,
}

#[tonic::async_trait]
impl pb::api_key_service_server::ApiKeyService for Rpc {
    async fn create_api_key(
        &self,
        request: Request<pb::CreateApiKeyRequest>,
    ) -> Result<Response<pb::CreateApiKeyResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let new = NewKey::of_user(user_id, request);
        let once = self.replies.once(caller.request()).kept_for(SHOWN_AGAIN);
        Ok(store::create_key(&once, user_id, &new).await?.reply(|made| made))
    }

    async fn list_api_keys(
        &self,
        request: Request<pb::ListApiKeysRequest>,
    ) -> Result<Response<pb::ListApiKeysResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let api_keys = listing::list_keys(&self.pool, Owner::User(user_id)).await?;
        Ok(Response::new(pb::ListApiKeysResponse { api_keys }))
    }

    async fn delete_api_key(
        &self,
        request: Request<pb::DeleteApiKeyRequest>,
    ) -> Result<Response<pb::DeleteApiKeyResponse>, Status> {
        let (caller, request) = admit(request)?;
        let key_id = Uuid::try_parse(&request.api_key_id).map_err(|_none| Error::NoKey)?;
        let actor = caller.user()?;
        store::delete_key(&self.pool, actor, key_id, caller.may_override()).await?;
        Ok(Response::new(pb::DeleteApiKeyResponse {}))
    }

    async fn exchange_api_key(
        &self,
        request: Request<pb::ExchangeApiKeyRequest>,
    ) -> Result<Response<pb::ExchangeApiKeyResponse>, Status> {
        let (caller, request) = admit(request)?;
        let presented = request.api_key.parse().map_err(|_none| Error::Invalid)?;
        let keep = Duration::from_secs(self.issuer.lifetimes.access.into());
        let once = self.replies.once(caller.request()).kept_for(keep);
        Ok(store::exchange(&once, &presented, &self.issuer).await?.reply(|token| token))
    }
}

// === impl Error ===

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::NoKey => status::not_found("API key"),
            Error::NoAccount => status::not_found("service account"),
            Error::NoOwner => status::not_found("user"),
            Error::Invalid => status::refuse(Reason::API_KEY_INVALID),
            Error::NameTaken => status::refuse(Reason::NAME_TAKEN),
            Error::TooMany => status::refuse(Reason::LIMIT_REACHED),
            Error::Keys(_) => status::internal(&error),
            Error::Database(error) => error.into(),
        }
    }
}
