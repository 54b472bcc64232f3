//! The gRPC edge of service accounts: caller, decode, check, one call, reply.

use database::{Pool, Replies};
use platform::access::admit;
use proto::auth::v1 as pb;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Error, NewAccount, NewKey, Owner, listing, rpc::SHOWN_AGAIN, store};

/// Serves `mainstay.auth.v1.ServiceAccountService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) replies: Replies,
}

#[tonic::async_trait]
impl pb::service_account_service_server::ServiceAccountService for Rpc {
    async fn create_service_account(
        &self,
        request: Request<pb::CreateServiceAccountRequest>,
    ) -> Result<Response<pb::CreateServiceAccountResponse>, Status> {
        let (caller, request) = admit(request)?;
        let (actor, new) = (caller.user()?, NewAccount::new(request));
        let once = self.replies.once(caller.request());
        let done = store::create_account(&once, actor, &new).await?;
        Ok(done.reply(|it| pb::CreateServiceAccountResponse { service_account: Some(it) }))
    }

    async fn list_service_accounts(
        &self,
        request: Request<pb::ListServiceAccountsRequest>,
    ) -> Result<Response<pb::ListServiceAccountsResponse>, Status> {
        admit(request)?;
        let service_accounts = store::list_accounts(&self.pool).await?;
        Ok(Response::new(pb::ListServiceAccountsResponse { service_accounts }))
    }

    async fn delete_service_account(
        &self,
        request: Request<pb::DeleteServiceAccountRequest>,
    ) -> Result<Response<pb::DeleteServiceAccountResponse>, Status> {
        let (caller, request) = admit(request)?;
        let account_id = account_id(&request.service_account_id)?;
        store::delete_account(&self.pool, caller.user()?, account_id).await?;
        Ok(Response::new(pb::DeleteServiceAccountResponse {}))
    }

    async fn create_service_account_key(
        &self,
        request: Request<pb::CreateServiceAccountKeyRequest>,
    ) -> Result<Response<pb::CreateServiceAccountKeyResponse>, Status> {
        let (caller, request) = admit(request)?;
        let new = NewKey::of_account(account_id(&request.service_account_id)?, request);
        let once = self.replies.once(caller.request()).kept_for(SHOWN_AGAIN);
        let done = store::create_key(&once, caller.user()?, &new).await?;
        Ok(done.reply(|pb::CreateApiKeyResponse { api_key, key }| {
            pb::CreateServiceAccountKeyResponse { api_key, key }
        }))
    }

    async fn list_service_account_keys(
        &self,
        request: Request<pb::ListServiceAccountKeysRequest>,
    ) -> Result<Response<pb::ListServiceAccountKeysResponse>, Status> {
        let (_, request) = admit(request)?;
        let account_id = account_id(&request.service_account_id)?;
        store::has_account(&self.pool, account_id).await?;
        let api_keys = listing::list_keys(&self.pool, Owner::ServiceAccount(account_id)).await?;
        Ok(Response::new(pb::ListServiceAccountKeysResponse { api_keys }))
    }
}

fn account_id(text: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(text).map_err(|_none| Error::NoAccount)
}
