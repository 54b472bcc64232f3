//! The gRPC edge: caller, decode, check, one call, reply.

use std::sync::Arc;

use database::{Pool, Replies};
use jiff::Timestamp;
use platform::{
    access::{Caller, admit},
    etag::Meant,
    page::{Filter, Pages},
    status::{self, Reason},
};
use proto::{auth::v1::Profile, content::v1 as pb};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Changes, Draft, Error, Shelf, Target, Writer, store};
use crate::authors::Authors;

/// Serves `mainstay.content.v1.PostService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) replies: Replies,
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
        let author = self.authors.profile(author_id).await;
        let once = self.replies.once(caller.request());
        let done = store::insert(&once, &Draft::new(author_id, request), author).await?;
        Ok(done.reply(|post| pb::CreatePostResponse { post: Some(post) }))
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
        let meant = Meant::required(&request.etag)?;
        let target = target(&caller, &request.post_id, meant)?;
        let changes = Changes::new(target.post_id, request);
        let post = store::update(&self.pool, &target, changes).await?;
        let post = Some(self.authors.of(post).await);
        Ok(Response::new(pb::UpdatePostResponse { post }))
    }

    async fn publish_post(
        &self,
        request: Request<pb::PublishPostRequest>,
    ) -> Result<Response<pb::PublishPostResponse>, Status> {
        let (caller, request) = admit(request)?;
        let target = target(&caller, &request.post_id, Meant::optional(&request.etag))?;
        let author = self.author(&target).await?;
        let once = self.replies.once(caller.request());
        let done = store::publish(&once, &target, author).await?;
        Ok(done.reply(|post| pb::PublishPostResponse { post: Some(post) }))
    }

    async fn unpublish_post(
        &self,
        request: Request<pb::UnpublishPostRequest>,
    ) -> Result<Response<pb::UnpublishPostResponse>, Status> {
        let (caller, request) = admit(request)?;
        let target = target(&caller, &request.post_id, Meant::optional(&request.etag))?;
        let author = self.author(&target).await?;
        let once = self.replies.once(caller.request());
        let done = store::unpublish(&once, &target, author).await?;
        Ok(done.reply(|post| pb::UnpublishPostResponse { post: Some(post) }))
    }

    async fn delete_post(
        &self,
        request: Request<pb::DeletePostRequest>,
    ) -> Result<Response<pb::DeletePostResponse>, Status> {
        let (caller, request) = admit(request)?;
        let target = target(&caller, &request.post_id, Meant::optional(&request.etag))?;
        store::delete(&self.pool, &target).await?;
        Ok(Response::new(pb::DeletePostResponse {}))
    }
}

// === impl Rpc ===

impl Rpc {
    /// Who wrote what is about to change. It is asked before the change, because
    /// the reply is stored with it.
    async fn author(&self, target: &Target) -> Result<Profile, Status> {
        let Writer { user_id, may_override } = target.writer;
        // Without a rank only one's own can change.
        let found = if may_override { store::author(&self.pool, target).await? } else { None };
        Ok(self.authors.profile(found.unwrap_or(user_id)).await)
    }
}

/// Ids are opaque: what is not one of ours names nothing.
fn id(text: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(text).map_err(|_nothing| Error::NotFound)
}

fn target(caller: &Caller, post_id: &str, meant: Meant) -> Result<Target, Status> {
    let writer = Writer { user_id: caller.user()?, may_override: caller.may_override() };
    Ok(Target { post_id: id(post_id)?, writer, meant })
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
            Error::Stale { current_etag, changed_fields } => {
                status::stale(&current_etag, &changed_fields)
            }
            Error::SlugTaken => status::refuse(Reason::SLUG_TAKEN),
            Error::Database(error) => error.into(),
        }
    }
}
