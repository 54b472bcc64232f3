//! Goes on with erasures. Each step is written down when it is done; a process
//! that dies leaves the rest to others.

use std::{sync::Arc, time::Duration};

use database::Pool;
use platform::server::Stopping;
use tokio::time::sleep;

use super::{
    Begun, RECEIPT,
    content::{self, Content},
    store,
};
use crate::keys::{self, KeySet};

/// Erases elsewhere what belonged to accounts that are gone.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) pool: Pool,
    pub(crate) keys: Arc<KeySet>,
    pub(crate) issuer: String,
    /// Where users' posts are; while it does not answer, erasures wait.
    pub(crate) content: Content,
}

/// Why an erasure did not go on.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Content(#[from] content::Error),
    #[error(transparent)]
    Keys(#[from] keys::Error),
    #[error(transparent)]
    Database(#[from] database::Error),
}

const LOOK_EVERY: Duration = Duration::from_secs(5);

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
        match self.erase(&begun).await {
            Ok(true) => tracing::info!(%id, "an account is erased everywhere"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "an erasure waits: {error}"),
        }
        true
    }

    /// Erases what there is; true if it was the last time. A call that was under way
    /// when the account went may write once more: no token is believed for longer than
    /// ten seconds then, and no call takes longer either.
    async fn erase(&self, begun: &Begun) -> Result<bool, Error> {
        let erased = self.content.erase(begun.user_id).await?;
        let Some(posts) = store::content_erased(&self.pool, begun.id, erased).await? else {
            return Ok(false);
        };
        let receipt = self.keys.sign_as(RECEIPT, &begun.receipt(&self.issuer, posts))?;
        store::done(&self.pool, begun.id, &receipt).await?;
        Ok(true)
    }
}
