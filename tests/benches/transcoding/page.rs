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
    let post = |number: i64| Post {
        id: format!("01990a3c-7b1e-7c55-b1d2-{number:012}"),
        author: Some(Profile {
            id: format!("01990a3c-0000-7c55-b1d2-{number:012}"),
            username: format!("writer-{number}"),
            display_name: "Ada Writer".to_owned(),
        }),
        title: format!("How we built a small gateway, part {number}"),
        slug: format!("how-we-built-a-small-gateway-{number}"),
        body: Some(prose(body)),
        tags: tags(),
        status: "published".to_owned(),
        published_at: at(number),
        created_at: at(number + 1),
        updated_at: at(number + 2),
        ..Post::default()
    };
    Sample::new(ListPostsResponse {
        posts: (0..posts).map(post).collect(),
        next_page_token: Some("eyJvIjoyMCwidCI6MTc4MDAwMDAwMH0".to_owned()),
        ..ListPostsResponse::default()
    })
}

/// A request to create a post with a body of so many bytes.
pub(crate) fn draft(body: usize) -> Sample<CreatePostRequest, PlainDraft> {
    Sample::new(CreatePostRequest {
        user_id: "me".to_owned(),
        title: "How we built a small gateway".to_owned(),
        body: prose(body),
        tags: tags(),
        ..CreatePostRequest::default()
    })
}

fn prose(bytes: usize) -> String {
    PROSE.repeat(bytes / PROSE.len() + 1)
}

fn tags() -> Vec<String> {
    ["rust", "grpc", "gateway", "performance"].map(str::to_owned).into()
}
