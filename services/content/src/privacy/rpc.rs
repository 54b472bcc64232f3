//! The gRPC edge: caller, decode, check, one call, reply.

use database::Pool;
use platform::{access::admit, status};
use proto::content::v1 as pb;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    store,
    works::{Everything, Works},
};

/// Serves `mainstay.content.v1.PrivacyService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
}

#[tonic::async_trait]
impl pb::privacy_service_server::PrivacyService for Rpc {
    type ExportAuthorStream = Everything;

    async fn erase_author(
        &self,
        request: Request<pb::EraseAuthorRequest>,
    ) -> Result<Response<pb::EraseAuthorResponse>, Status> {
        let (_, request) = admit(request)?;
        let posts = store::erase_posts(&self.pool, id(&request.user_id)?).await?;
        Ok(Response::new(pb::EraseAuthorResponse { posts }))
    }

    async fn export_author(
        &self,
        request: Request<pb::ExportAuthorRequest>,
    ) -> Result<Response<Everything>, Status> {
        let (_, request) = admit(request)?;
        let works = Works::open(&self.pool, id(&request.user_id)?).await?;
        Ok(Response::new(works.everything()))
    }
}

fn id(user_id: &str) -> Result<Uuid, Status> {
    Uuid::try_parse(user_id).map_err(|_nobody| status::not_found("user"))
}
