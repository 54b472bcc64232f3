//! What is transcoded: messages of the contract, and plain structs of the same
//! shape.

use pbjson_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    contract::{
        auth::v1::Profile,
        content::v1::{CreatePostRequest, ListPostsResponse, Post},
    },
    rows::Sample,
};

const PROSE: &str = "The quick brown fox jumps over the lazy dog, and \"nobody\" minded.\n\n\
                     ## A heading\n\nSome *emphasis* and `code` here. ";

/// A page of posts as a person without protobuf would declare it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlainPage {
    posts: Vec<PlainPost>,
    next_page_token: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlainPost {
    id: String,
    author: PlainProfile,
    title: String,
    slug: String,
    body: Option<String>,
    tags: Vec<String>,
    status: String,
    published_at: Option<String>,
    created_at: String,
    updated_at: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlainProfile {
    id: String,
    username: String,
    display_name: String,
}

/// A draft, likewise.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlainDraft {
    user_id: String,
    title: String,
    body: String,
    tags: Vec<String>,
}

/// A page of so many posts with bodies of so many bytes.
pub(crate) fn page(posts: i64, body: usize) -> Sample<ListPostsResponse, PlainPage> {
    let at = |seconds| Some(Timestamp { seconds: 1_780_000_000 + seconds, nanos: 123_456_000 });
    let post = |number: i64| {
        let mut post = Post::default();
        fill(&mut post, number, body);
        [post.published_at, post.created_at, post.updated_at] = [at(number); 3];
        post
    };
    let mut page = ListPostsResponse::default();
    page.posts.extend((0..posts).map(post));
    page.next_page_token.get_or_insert_with(|| "eyJvIjoyMCwidCI6MTc4MDAwMDAwMH0".to_owned());
    Sample::new(page)
}

/// What the contract adds later stays as it is.
fn fill(post: &mut Post, number: i64, body: usize) {
    post.id = format!("01990a3c-7b1e-7c55-b1d2-{number:012}");
    post.author = Some(Profile {
        id: format!("01990a3c-0000-7c55-b1d2-{number:012}"),
        username: format!("writer-{number}"),
        display_name: "Ada Writer".to_owned(),
    });
    post.title = format!("How we built a small gateway, part {number}");
    post.slug = format!("how-we-built-a-small-gateway-{number}");
    post.body = Some(prose(body));
    post.tags = tags();
    "published".clone_into(&mut post.status);
}

/// A request to create a post with a body of so many bytes.
pub(crate) fn draft(body: usize) -> Sample<CreatePostRequest, PlainDraft> {
    let mut draft = CreatePostRequest::default();
    describe(&mut draft, body);
    Sample::new(draft)
}

fn describe(draft: &mut CreatePostRequest, body: usize) {
    "me".clone_into(&mut draft.user_id);
    "How we built a small gateway".clone_into(&mut draft.title);
    draft.body = prose(body);
    draft.tags = tags();
}

fn prose(bytes: usize) -> String {
    PROSE.repeat(bytes / PROSE.len() + 1)
}

fn tags() -> Vec<String> {
    ["rust", "grpc", "gateway", "performance"].map(str::to_owned).into()
}
