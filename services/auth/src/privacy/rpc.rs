//! The gRPC edge: caller, decode, check, one call, reply.

use database::{Pool, Replies};
use platform::{
    access::admit,
    status::{self, Reason},
};
use proto::auth::v1 as pb;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::store;
use crate::mail::PostOffice;

/// Serves `mainstay.auth.v1.PrivacyService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) replies: Replies,
    pub(crate) post_office: PostOffice,
}

#[tonic::async_trait]
impl pb::privacy_service_server::PrivacyService for Rpc {
    async fn erase_user(
        &self,
        request: Request<pb::EraseUserRequest>,
    ) -> Result<Response<pb::EraseUserResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let given = (&self.post_office, user_id, caller.user_id());
        let once = self.replies.once(caller.request());
        let erased = once.transaction(given, |transaction, &(post_office, user_id, by)| {
            Box::pin(store::begin(transaction, post_office, user_id, by))
        });
        let forget = (caller.user_id() == Some(user_id)).then(String::new);
        Ok(erased.await?.reply(|erasure| pb::EraseUserResponse {
            erasure: Some(erasure),
            access_token: forget.clone(),
            refresh_token: forget,
        }))
    }

    async fn get_erasure(
        &self,
        request: Request<pb::GetErasureRequest>,
    ) -> Result<Response<pb::GetErasureResponse>, Status> {
        let (_, request) = admit(request)?;
        let unknown = || status::refuse(Reason::ERASURE_UNKNOWN);
        let id = Uuid::try_parse(&request.receipt_number).map_err(|_no_number| unknown())?;
        let erasure = store::find(&self.pool, id).await?.ok_or_else(unknown)?;
        Ok(Response::new(pb::GetErasureResponse { erasure: Some(erasure) }))
    }
}
