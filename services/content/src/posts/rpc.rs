//! The gRPC edge: caller, decode, check, one call, reply.

use std::sync::Arc;

use database::Pool;
use jiff::Timestamp;
use platform::{
    access::{Caller, admit},
    page::{Filter, Pages},
    status::{self, Reason},
};
use proto::content::v1 as pb;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Changes, Draft, Error, Shelf, Writer, store};
use crate::authors::Authors;

/// Serves `mainstay.content.v1.PostService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) pages: Arc<Pages>,
    pub(crate) authors: Authors,
}

#[tonic::async_trait]
impl pb::post_service_server::PostService for Rpc {
    async fn create_post(
        &self,
        request: Request<pb::CreatePostRequest>,
    ) -> Result<Response<pb::CreatePostResponse>, Status> {
        let (caller, request) = admit(request)?;
        let author_id = caller.acting_for(&request.user_id)?;
        let post = store::insert(&self.pool, &Draft::new(author_id, request)).await?;
        let post = Some(self.authors.of(post).await);
        Ok(Response::new(pb::CreatePostResponse { post }))
    }

    async fn get_post(
        &self,
        request: Request<pb::GetPostRequest>,
    ) -> Result<Response<pb::GetPostResponse>, Status> {
        let (caller, request) = admit(request)?;
        let post_id = id(&request.post_id)?;
        let post = store::find(&self.pool, post_id, caller.user_id()).await?;
        let post = Some(self.authors.of(post).await);
        Ok(Response::new(pb::GetPostResponse { post }))
    }

    async fn list_posts(
        &self,
        request: Request<pb::ListPostsRequest>,
    ) -> Result<Response<pb::ListPostsResponse>, Status> {
        let (caller, request) = admit(request)?;
        let named = Some(&request.user_id).filter(|id| !id.is_empty());
        let author = named.map(|id| caller.resolve(id)).transpose()?;
        let shelf = Shelf::of(author, caller.user_id());
        let (now, filter) = (Timestamp::now(), filter(shelf));
        let page = self.pages.read(request.page_size, &request.page_token, &filter, now)?;
        let mut rows = store::list(&self.pool, shelf, &page).await?;
        let next_page_token = self.pages.cut(&page, &mut rows, now, |(key, _)| *key);
        let mut posts: Vec<_> = rows.into_iter().map(|(_, post)| post).collect();
        self.authors.embed(&mut posts).await;
        Ok(Response::new(pb::ListPostsResponse { posts, next_page_token }))
    }

    async fn update_post(
        &self,
        request: Request<pb::UpdatePostRequest>,
    ) -> Result<Response<pb::UpdatePostResponse>, Status> {
        let (caller, request) = admit(request)?;
        let (post_id, writer) = (id(&request.post_id)?, writer(&caller)?);
        let changes = Changes::new(post_id, request);
        let post = store::update(&self.pool, post_id, writer, changes).await?;
        let post = Some(self.authors.of(post).await);
        Ok(Response::new(pb::UpdatePostResponse { post }))
    }

    async fn publish_post(
        &self,
        request: Request<pb::PublishPostRequest>,
    ) -> Result<Response<pb::PublishPostResponse>, Status> {
        let (caller, request) = admit(request)?;
        let (post_id, writer) = (id(&request.post_id)?, writer(&caller)?);
        let post = store::publish(&self.pool, post_id, writer).await?;
        let post = Some(self.authors.of(post).await);
        Ok(Response::new(pb::PublishPostResponse { post }))
    }

    async fn unpublish_post(
        &self,
        request: Request<pb::UnpublishPostRequest>,
    ) -> Result<Response<pb::UnpublishPostResponse>, Status> {
        let (caller, request) = admit(request)?;
        let (post_id, writer) = (id(&request.post_id)?, writer(&caller)?);
        let post = store::unpublish(&self.pool, post_id, writer).await?;
        let post = Some(self.authors.of(post).await);
        Ok(Response::new(pb::UnpublishPostResponse { post }))
    }

    async fn delete_post(
        &self,
        request: Request<pb::DeletePostRequest>,
    ) -> Result<Response<pb::DeletePostResponse>, Status> {
        let (caller, request) = admit(request)?;
        let (post_id, writer) = (id(&request.post_id)?, writer(&caller)?);
        store::delete(&self.pool, post_id, writer).await?;
        Ok(Response::new(pb::DeletePostResponse {}))
    }
}

/// Ids are opaque: what is not one of ours names nothing.
fn id(text: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(text).map_err(|_nothing| Error::NotFound)
}

fn writer(caller: &Caller) -> Result<Writer, Status> {
    Ok(Writer { user_id: caller.user()?, may_override: caller.may_override() })
}

/// A page token is good for the same shelf only.
fn filter(shelf: Shelf) -> Filter {
    match shelf {
        Shelf::Public => Filter::of("posts"),
        Shelf::Author { author_id, with_drafts } => {
            Filter::of("posts by author").with(author_id.as_bytes()).with(&[u8::from(with_drafts)])
        }
    }
}

// === impl Error ===

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => status::not_found("post"),
            Error::NotYours => status::refuse(Reason::NOT_YOURS),
            Error::SlugTaken => status::refuse(Reason::SLUG_TAKEN),
            Error::Database(error) => error.into(),
        }
    }
}
