//! Erasing what users wrote, when auth says that they are gone.

use database::{Error, Pool};
use platform::{access::admit, status};
use proto::content::v1 as pb;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// Serves `mainstay.content.v1.PrivacyService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
}

#[tonic::async_trait]
impl pb::privacy_service_server::PrivacyService for Rpc {
    async fn erase_author(
        &self,
        request: Request<pb::EraseAuthorRequest>,
    ) -> Result<Response<pb::EraseAuthorResponse>, Status> {
        let (_, request) = admit(request)?;
        let user_id = Uuid::try_parse(&request.user_id);
        let user_id = user_id.map_err(|_nobody| status::not_found("user"))?;
        let posts = erase_posts(&self.pool, user_id).await?;
        Ok(Response::new(pb::EraseAuthorResponse { posts }))
    }
}

/// Erases the posts of a user and returns how many there were.
async fn erase_posts(pool: &Pool, user_id: Uuid) -> Result<i32, Error> {
    let row = pool.row(include_str!("erase_posts.sql"), &[&user_id]).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get("posts"))?)
}
