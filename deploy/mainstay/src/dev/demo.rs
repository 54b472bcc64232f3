//! An account and some posts to try things with, made the way everybody makes
//! theirs: through the services.

use std::{fs, io, path::Path, time::Duration};

use proto::{
    auth::v1::{
        CreateSessionRequest, CreateUserRequest, session_service_client::SessionServiceClient,
        user_service_client::UserServiceClient,
    },
    content::v1::{
        CreatePostRequest, ListPostsRequest, PublishPostRequest,
        post_service_client::PostServiceClient,
    },
};
use serde::Serialize;
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

use super::state::Running;

/// How to sign in to the demo account.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Demo {
    /// The address.
    pub email: &'static str,
    /// The password.
    pub password: &'static str,
}

/// Why the account could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A service is not reached.
    #[error("a service is not reached: {0}")]
    Unreachable(#[from] tonic::transport::Error),
    /// A service refused.
    #[error("{} ({:?})", .0.message(), .0.code())]
    Refused(#[from] Box<Status>),
    /// That it was done could not be written down.
    #[error("{0}")]
    Note(#[from] io::Error),
    /// The account has another password by now.
    #[error("the demo account has another password by now")]
    Password,
}

const DEMO: Demo = Demo { email: "demo@example.com", password: "three-mild-winters" };
/// Present in the folder of the database that holds the demo data.
const MARK: &str = "demo";
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// Title, tags and text of each post, then whether it is published.
const POSTS: &str = include_str!("demo.json");

/// A post to be.
#[derive(serde::Deserialize)]
struct Sample {
    title: String,
    tags: Vec<String>,
    body: String,
    published: bool,
}

/// Makes the demo data where it has not been made before.
pub async fn seed(running: &Running, database: &Path) -> Result<Demo, Error> {
    let mark = database.join(MARK);
    if !mark.exists() {
        let token = sign_in(connect(&running.auth).await?).await?;
        write_posts(connect(&running.content).await?, &token).await.map_err(Box::new)?;
        fs::write(mark, "")?;
    }
    Ok(DEMO)
}

async fn connect(url: &str) -> Result<Channel, Error> {
    let endpoint = Endpoint::try_from(url.to_owned())?;
    Ok(endpoint.connect_timeout(CALL_LIMIT).timeout(CALL_LIMIT).connect().await?)
}

/// Makes the account unless it is there, and returns what authorizes it.
async fn sign_in(auth: Channel) -> Result<MetadataValue<Ascii>, Error> {
    let user = CreateUserRequest {
        email: DEMO.email.to_owned(),
        username: "demo".to_owned(),
        display_name: "Demo Author".to_owned(),
        password: DEMO.password.to_owned(),
    };
    match UserServiceClient::new(auth.clone()).create_user(user).await {
        Err(status) if status.code() != Code::AlreadyExists => return Err(Box::new(status).into()),
        Err(_) | Ok(_) => {}
    }
    let who = CreateSessionRequest {
        email: DEMO.email.to_owned(),
        password: DEMO.password.to_owned(),
        ..CreateSessionRequest::default()
    };
    let reply = SessionServiceClient::new(auth).create_session(who).await;
    let reply = reply.map_err(Box::new)?.into_inner();
    let token = reply.access_token.ok_or(Error::Password)?;
    format!("Bearer {token}").parse().map_err(|_invalid| Error::Password)
}

/// Writes what a run that was interrupted has not written.
async fn write_posts(content: Channel, token: &MetadataValue<Ascii>) -> Result<(), Status> {
    let authorized = |mut request: Request<()>| {
        request.metadata_mut().insert("authorization", token.clone());
        Ok(request)
    };
    let mut posts = PostServiceClient::with_interceptor(content, authorized);
    let all = ListPostsRequest {
        user_id: "me".to_owned(),
        page_size: Some(100),
        ..ListPostsRequest::default()
    };
    let written = posts.list_posts(all).await?.into_inner().posts;
    let own = CreatePostRequest { user_id: "me".to_owned(), ..CreatePostRequest::default() };
    for sample in samples()? {
        if written.iter().any(|post| post.title == sample.title) {
            continue;
        }
        let Sample { title, body, tags, published } = sample;
        let draft = CreatePostRequest { title, body, tags, ..own.clone() };
        let post = posts.create_post(draft).await?.into_inner().post.unwrap_or_default();
        if published {
            let request = PublishPostRequest { post_id: post.id, etag: post.etag };
            posts.publish_post(request).await?;
        }
    }
    Ok(())
}

fn samples() -> Result<Vec<Sample>, Status> {
    serde_json::from_str(POSTS).map_err(|error| Status::failed_precondition(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_show_a_page_and_some_drafts() {
        let samples = samples().unwrap();
        let published = samples.iter().filter(|sample| sample.published).count();
        assert!(published >= 8, "{published}");
        assert!(samples.len() > published);
        assert!(samples.iter().all(|sample| !sample.body.is_empty()));
    }
}
