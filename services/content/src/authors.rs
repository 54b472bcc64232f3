//! Who wrote what: public profiles, looked up in auth once per page.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use platform::identity::Identified;
use proto::{
    auth::v1::{BatchGetProfilesRequest, Profile, user_service_client::UserServiceClient},
    content::v1::Post,
};
use tonic::Status;
use uuid::Uuid;

/// A name is not worth waiting long for.
const WITHIN: Duration = Duration::from_secs(2);

/// Looks up authors.
#[derive(Clone, Debug)]
pub(crate) struct Authors(UserServiceClient<Identified>);

// === impl Authors ===

impl Authors {
    pub(crate) fn new(auth: &Identified) -> Self {
        Self(UserServiceClient::new(auth.clone()))
    }

    /// The profile of a user; with the id alone when auth cannot be asked.
    pub(crate) async fn profile(&self, user_id: Uuid) -> Profile {
        let author = Profile { id: user_id.to_string(), ..Profile::default() };
        let post = self.of(Post { author: Some(author), ..Post::default() }).await;
        post.author.unwrap_or_default()
    }

    /// Adds the author's profile to a post.
    pub(crate) async fn of(&self, post: Post) -> Post {
        let mut posts = [post];
        self.embed(&mut posts).await;
        let [post] = posts;
        post
    }

    /// Adds the authors' profiles to posts, with one call for all of them.
    ///
    /// Posts are shown even when auth cannot be asked: then with the id alone.
    pub(crate) async fn embed(&self, posts: &mut [Post]) {
        let ids: BTreeSet<_> = posts.iter().filter_map(author_id).collect();
        if ids.is_empty() {
            return;
        }
        match self.profiles(ids).await {
            Ok(profiles) => {
                for post in posts {
                    let profile = author_id(post).and_then(|id| profiles.get(&id));
                    post.author = profile.cloned().or_else(|| post.author.take());
                }
            }
            Err(status) => {
                tracing::warn!(code = ?status.code(), "posts are shown without their authors' names");
            }
        }
    }

    async fn profiles(&self, ids: BTreeSet<String>) -> Result<HashMap<String, Profile>, Status> {
        let user_ids = ids.into_iter().collect();
        let mut client = self.0.clone();
        let call = client.batch_get_profiles(BatchGetProfilesRequest { user_ids });
        let reply = tokio::time::timeout(WITHIN, call).await;
        let reply = reply.map_err(|_elapsed| Status::deadline_exceeded("auth is slow"))??;
        let profiles = reply.into_inner().profiles;
        Ok(profiles.into_iter().map(|profile| (profile.id.clone(), profile)).collect())
    }
}

fn author_id(post: &Post) -> Option<String> {
    post.author.as_ref().map(|author| author.id.clone())
}
