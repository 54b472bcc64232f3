//! Goes on with erasures. Each step is written down when it is done; a process
//! that dies leaves the rest to others.

use std::{sync::Arc, time::Duration};

use database::Pool;
use jiff::Timestamp;
use platform::{
    server::Stopping,
    token::{AUDIENCE, Claims},
    upstream::Upstream,
};
use proto::content::v1::{EraseAuthorRequest, privacy_service_client::PrivacyServiceClient};
use tokio::time::{sleep, timeout};
use tonic::{Request, Status};
use uuid::Uuid;

use super::{Begun, RECEIPT, store};
use crate::keys::{self, KeySet};

/// Erases elsewhere what belonged to accounts that are gone.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) pool: Pool,
    pub(crate) keys: Arc<KeySet>,
    pub(crate) issuer: String,
    /// Where users' posts are; without it erasures wait.
    pub(crate) content: Option<Upstream>,
}

/// Why an erasure did not go on.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("MAINSTAY_CONTENT_URL is not set")]
    NoContent,
    #[error("content does not answer")]
    Late,
    #[error("content refused: {}", .0.message())]
    Content(#[from] Box<Status>),
    #[error("this process cannot call content")]
    Token,
    #[error(transparent)]
    Keys(#[from] keys::Error),
    #[error(transparent)]
    Database(#[from] database::Error),
}

/// Below the pause after which others try.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A token for one call.
const TOKEN_SECONDS: i64 = 60;

// === impl Worker ===

impl Worker {
    /// Goes on with erasures until told to stop; a step under way is left to be done
    /// again.
    pub(crate) async fn run(self, stopping: Stopping) {
        let mut ear = self.pool.ear(include_str!("listen.sql"));
        loop {
            let working = async {
                while self.go_on().await {}
                tokio::select! {
                    () = ear.heard() => {}
                    () = sleep(LOOK_EVERY) => {}
                }
            };
            tokio::select! {
                () = stopping.told() => return,
                () = working => {}
            }
        }
    }

    /// Goes on with one erasure, if one is due.
    async fn go_on(&self) -> bool {
        let begun = match store::claim(&self.pool).await {
            Ok(Some(begun)) => begun,
            Ok(None) => return false,
            Err(error) => {
                tracing::warn!(%error, "erasures cannot be read for now");
                return false;
            }
        };
        let id = begun.id;
        if let Err(error) = self.erase(&begun).await {
            tracing::warn!(%error, "an erasure waits: {error}");
        } else {
            tracing::info!(%id, "an account is erased everywhere");
        }
        true
    }

    async fn erase(&self, begun: &Begun) -> Result<(), Error> {
        let mut posts = begun.posts;
        if !begun.is_content_erased {
            posts = self.erase_content(begun.user_id).await?;
            store::content_erased(&self.pool, begun.id, posts).await?;
        }
        let receipt = self.keys.sign_as(RECEIPT, &begun.receipt(&self.issuer, posts))?;
        Ok(store::done(&self.pool, begun.id, &receipt).await?)
    }

    async fn erase_content(&self, user_id: Uuid) -> Result<i32, Error> {
        let content = self.content.clone().ok_or(Error::NoContent)?;
        let mut request = Request::new(EraseAuthorRequest { user_id: user_id.to_string() });
        let token = self.keys.sign(&claims(&self.issuer))?;
        let token = format!("Bearer {token}").parse().map_err(|_unprintable| Error::Token)?;
        request.metadata_mut().insert("authorization", token);
        let mut content = PrivacyServiceClient::new(content);
        let answer = timeout(ANSWER_WITHIN, content.erase_author(request)).await;
        let answer = answer.map_err(|_elapsed| Error::Late)?.map_err(Box::new)?;
        Ok(answer.into_inner().posts)
    }
}

/// Says that this service calls, for a moment.
fn claims(issuer: &str) -> Claims {
    let (now, id) = (Timestamp::now().as_second(), Uuid::now_v7());
    Claims {
        iss: issuer.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: id,
        sid: id,
        jti: id,
        iat: now,
        nbf: now,
        exp: now + TOKEN_SECONDS,
        roles: vec!["service".to_owned()],
        auth_time: now,
        acr: String::new(),
        amr: Vec::new(),
        act: None,
        scope: None,
    }
}
