//! Follows the database: told by it, and looking by itself in case it was not.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use database::Pool;
use platform::{seal::Sealer, server::spawn, trust::Broken};
use proto::auth::v1::WatchTrustResponse;
use tokio::time::{sleep, timeout};

use super::{Event, Hub, News, Seen, What, store, worded};
use crate::{
    keys::{self, KeySet, Rotation},
    sessions,
};

/// Looks at least this often: half of what watchers are promised.
const LOOK: Duration = Duration::from_millis(500);
/// How often keys are turned and old events forgotten.
const TIDY: Duration = Duration::from_mins(1);
/// Before the database is asked again that did not answer.
const PAUSE: Duration = Duration::from_millis(200);

/// Follows the database for as long as the process lives.
#[derive(Debug)]
pub(crate) struct Follow {
    pub(crate) pool: Pool,
    pub(crate) sealer: Sealer,
    pub(crate) rotation: Rotation,
    pub(crate) keys: Arc<KeySet>,
    pub(crate) hub: Hub,
}

/// Why following was interrupted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the connection that listens was lost")]
    Lost,
    #[error(transparent)]
    Database(#[from] database::Error),
    #[error(transparent)]
    Keys(#[from] keys::Error),
    #[error("what is in the database makes no sense")]
    Broken(#[from] Broken),
}

// === impl Follow ===

impl Follow {
    /// Learns everything that there is, and then follows beside the caller.
    pub(crate) async fn start(self) -> Result<(), Error> {
        let mut listener = store::listen(&self.pool).await?;
        let (mut seen, at) = (Seen::default(), Instant::now());
        let news = store::news(&mut listener, &seen).await?;
        self.keys.replace(keys::load(&self.pool, &self.sealer).await?);
        self.hub.begin(worded(&news.events), self.keys.trusted(), at)?;
        seen.advance(news);
        store::forget(&self.pool).await?;
        drop(spawn(self.run(seen)));
        Ok(())
    }

    async fn run(self, mut seen: Seen) {
        let mut tidied = Instant::now();
        loop {
            let Err(error) = self.attend(&mut seen, &mut tidied).await;
            tracing::warn!(error = told(&error), "what is trusted is not followed for a moment");
            sleep(PAUSE).await;
        }
    }

    /// Follows on one connection until it is lost.
    async fn attend(
        &self,
        seen: &mut Seen,
        tidied: &mut Instant,
    ) -> Result<std::convert::Infallible, Error> {
        let mut listener = store::listen(&self.pool).await?;
        loop {
            let at = Instant::now();
            let news = store::news(&mut listener, seen).await?;
            self.tell(seen, news, at).await?;
            if tidied.elapsed() > TIDY {
                *tidied = Instant::now();
                self.tidy().await;
            }
            match timeout(LOOK, listener.told()).await {
                Ok(Some(())) | Err(_) => {}
                Ok(None) => return Err(Error::Lost),
            }
        }
    }

    /// Tells what is new. What could not be told stays new.
    async fn tell(&self, seen: &mut Seen, news: News, at: Instant) -> Result<(), Error> {
        let events = seen.unseen(&news);
        let are_keys_new = events.iter().any(|Event { what, .. }| *what == What::KeysChanged);
        let loaded =
            if are_keys_new { Some(keys::load(&self.pool, &self.sealer).await?) } else { None };
        let keys = loaded.as_ref().map(keys::Keys::trusted).unwrap_or_default();
        self.hub.tell_change(WatchTrustResponse { keys, ..worded(&events) }, at)?;
        // Others know a key before it signs here.
        if let Some(keys) = loaded {
            self.keys.replace(keys);
        }
        seen.advance(news);
        Ok(())
    }

    /// A failure is no reason to stop telling: it is tried again.
    async fn tidy(&self) {
        let turned = keys::turn(&self.pool, &self.sealer, self.rotation).await;
        let forgotten = store::forget(&self.pool).await;
        let swept = sessions::sweep(&self.pool).await;
        let errors = [
            turned.err().map(Error::from),
            forgotten.err().map(Error::from),
            swept.err().map(Error::from),
        ];
        for error in errors.into_iter().flatten() {
            tracing::warn!(error = told(&error), "keys or what is old were not looked after");
        }
    }
}

/// An error as a field of a line in the log.
fn told(error: &Error) -> &(dyn std::error::Error + 'static) {
    error
}
