//! Follows the stream of auth, for as long as the process lives.

use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use http::header::AUTHORIZATION;
use proto::auth::v1::{
    WatchTrustRequest, WatchTrustResponse, trust_service_client::TrustServiceClient,
};
use tokio::time::{sleep, timeout};
use tonic::{Code, Request, Status, Streaming};

use super::{Broken, STALE_SECONDS, Trust};
use crate::{
    config::Reader,
    fatal::causes,
    identity::ServiceToken,
    server::spawn,
    upstream::{self, Address},
};

/// Auth says something at least this often.
pub const HEARTBEAT: Duration = Duration::from_secs(1);
/// Who is silent for this long has lost us, whatever the connection looks like.
const SILENCE: Duration = Duration::from_secs(3);
/// An answer to the first question takes no longer.
const OPEN_WITHIN: Duration = Duration::from_secs(2);
/// The shortest pause before another try, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];
/// As much may be told at once: pieces of a snapshot are far smaller.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Follows auth.
#[derive(Debug)]
pub struct Follower {
    auth: Address,
    identity: ServiceToken,
    trust: Trust,
}

/// Why a stream came to its end.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("auth was silent")]
    Silent,
    #[error("auth ended the stream")]
    Closed,
    #[error("the stream broke")]
    Status(#[from] Status),
    #[error("the stream made no sense")]
    Broken(#[from] Broken),
}

// === impl Follower ===

impl Follower {
    /// Reads how long a verifier goes on without news.
    pub fn stale_after(reader: &mut Reader) -> Duration {
        let seconds = reader.or("MAINSTAY_TRUST_STALE_SECONDS", STALE_SECONDS);
        if !(4..=300).contains(&seconds) {
            reader.problem("MAINSTAY_TRUST_STALE_SECONDS: must be 4 to 300".to_owned());
        }
        Duration::from_secs(seconds.into())
    }

    /// Begins to follow as a service, and returns what it learns.
    pub fn start(auth: &Address, identity: &ServiceToken, stale_after: Duration) -> Trust {
        let trust = Trust::new(stale_after);
        let (auth, identity) = (auth.clone(), identity.clone());
        let follower = Self { auth, identity, trust: trust.clone() };
        drop(spawn(follower.run()));
        trust
    }

    /// Never ends: with jitter, so that not all come back at the same moment.
    async fn run(self) {
        let [shortest, longest] = PAUSES;
        let mut pause = shortest;
        loop {
            let mut was_good = false;
            let ended = match self.follow(&mut was_good).await {
                Ok(never) => match never {},
                Err(ended) => ended,
            };
            if was_good {
                pause = shortest;
            }
            tracing::debug!(error = causes(&ended), "auth is asked anew what is trusted");
            sleep(jitter(pause)).await;
            pause = longest.min(pause * 2);
        }
    }

    /// Follows one stream to its end.
    async fn follow(&self, was_good: &mut bool) -> Result<std::convert::Infallible, Ended> {
        let opened = timeout(OPEN_WITHIN, self.open()).await;
        let mut stream = opened.map_err(|_elapsed| Ended::Silent)??;
        loop {
            let message = timeout(SILENCE, stream.message()).await;
            let message = message.map_err(|_elapsed| Ended::Silent)??.ok_or(Ended::Closed)?;
            self.trust.hear(&message, Instant::now())?;
            *was_good = true;
        }
    }

    /// On a connection of its own each time: one that stalled stays stalled. What
    /// proves who we are goes into this request.
    async fn open(&self) -> Result<Streaming<WatchTrustResponse>, Status> {
        let client = TrustServiceClient::new(upstream::channel(&self.auth));
        let mut client = client.max_decoding_message_size(MAX_MESSAGE);
        let mut request = Request::new(WatchTrustRequest {});
        let authorization = self.identity.authorization().await;
        if let Some(authorization) = &authorization {
            request.metadata_mut().as_mut().insert(AUTHORIZATION, authorization.clone());
        }
        let opened = client.watch_trust(request).await;
        if let (Err(status), Some(refused)) = (&opened, &authorization)
            && status.code() == Code::Unauthenticated
        {
            self.identity.forget(refused);
        }
        Ok(opened?.into_inner())
    }
}

/// Between half of a pause and all of it.
fn jitter(pause: Duration) -> Duration {
    let chance = u32::try_from(RandomState::new().hash_one(0_u8) % 1024).unwrap_or_default();
    pause / 2 + pause * chance / 2048
}
