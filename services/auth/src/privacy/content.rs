//! What content is asked for in the name of users: to erase what they wrote, or to
//! hand it out.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use platform::{
    token::{AUDIENCE, Claims},
    upstream::{self, Upstream},
};
use proto::content::v1::{
    EraseAuthorRequest, ExportAuthorRequest, ExportAuthorResponse,
    privacy_service_client::PrivacyServiceClient,
};
use tokio::time::timeout;
use tonic::{Request, Status, Streaming};
use uuid::Uuid;

use crate::keys::{self, KeySet};

/// The way to content, under this service's own name.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    keys: Arc<KeySet>,
    issuer: String,
    ways: Option<Ways>,
}

/// Streams have a connection of their own: readers who are slow hold up nobody else.
#[derive(Clone, Debug)]
struct Ways {
    calls: Upstream,
    streams: Upstream,
}

/// Everything that somebody wrote, one after the other.
#[derive(Debug)]
pub(super) struct Posts {
    first: Option<ExportAuthorResponse>,
    rest: Streaming<ExportAuthorResponse>,
}

/// Why content did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("MAINSTAY_CONTENT_URL is not set")]
    NoContent,
    #[error("content does not answer")]
    Late,
    #[error("content refused: {}", .0.message())]
    Refused(#[from] Box<Status>),
    #[error("this process cannot call content")]
    Token,
    #[error(transparent)]
    Keys(#[from] keys::Error),
}

/// Below the pause after which others try to erase.
const ERASED_WITHIN: Duration = Duration::from_secs(10);
/// Below the deadline of whoever asks for an archive.
const BEGUN_WITHIN: Duration = Duration::from_secs(5);
/// Below the time after which a gateway gives up a file that does not go on.
const NEXT_WITHIN: Duration = Duration::from_secs(20);
/// A token for one call.
const TOKEN_SECONDS: i64 = 60;

// === impl Content ===

impl Content {
    /// Prepares the way; without an address there is none.
    pub(crate) fn new(
        keys: &Arc<KeySet>,
        issuer: &str,
        address: Option<&upstream::Address>,
    ) -> Self {
        let ways = address.map(|address| Ways {
            calls: upstream::connect(address),
            streams: upstream::connect_streaming(address),
        });
        Self { keys: Arc::clone(keys), issuer: issuer.to_owned(), ways }
    }

    /// Erases what somebody wrote, and returns how many posts there were.
    pub(super) async fn erase(&self, user_id: Uuid) -> Result<i32, Error> {
        let request = self.request(EraseAuthorRequest { user_id: user_id.to_string() })?;
        let mut content = PrivacyServiceClient::new(self.ways()?.calls);
        let answer = timeout(ERASED_WITHIN, content.erase_author(request)).await;
        let answer = answer.map_err(|_elapsed| Error::Late)?.map_err(Box::new)?;
        Ok(answer.into_inner().posts)
    }

    /// Begins to hand out what somebody wrote: the first of it is there.
    pub(super) async fn posts(&self, user_id: Uuid) -> Result<Posts, Error> {
        let request = self.request(ExportAuthorRequest { user_id: user_id.to_string() })?;
        let mut content = PrivacyServiceClient::new(self.ways()?.streams);
        let begun = async {
            let mut rest = content.export_author(request).await.map_err(Box::new)?.into_inner();
            let first = rest.message().await.map_err(Box::new)?;
            Ok(Posts { first, rest })
        };
        timeout(BEGUN_WITHIN, begun).await.unwrap_or(Err(Error::Late))
    }

    fn ways(&self) -> Result<Ways, Error> {
        self.ways.clone().ok_or(Error::NoContent)
    }

    /// A request that says who asks.
    fn request<T>(&self, message: T) -> Result<Request<T>, Error> {
        let mut request = Request::new(message);
        let token = self.keys.sign(&claims(&self.issuer))?;
        let token = format!("Bearer {token}").parse().map_err(|_unprintable| Error::Token)?;
        request.metadata_mut().insert("authorization", token);
        Ok(request)
    }
}

// === impl Posts ===

impl Posts {
    /// The next one; none when there are no more. What breaks off is an error.
    pub(super) async fn next(&mut self) -> Result<Option<ExportAuthorResponse>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let next = timeout(NEXT_WITHIN, self.rest.message()).await;
        Ok(next.map_err(|_elapsed| Error::Late)?.map_err(Box::new)?)
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
