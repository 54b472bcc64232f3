//! The stream of events that one admin is sent.

use std::{collections::VecDeque, pin::Pin, time::Duration};

use database::Pool;
use futures_util::{Stream, stream};
use platform::{
    server::Stopping,
    status::{self, Reason},
};
use proto::auth::v1::WatchAuditEventsResponse;
use tokio::{sync::watch, time::sleep};
use tonic::Status;
use uuid::Uuid;

use super::search::{self, Prefix};

/// At most so many events are read ahead of a watcher.
const AHEAD: i64 = 100;
/// A watcher who hears nothing is looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
const COME_BACK: Duration = Duration::from_secs(1);

/// What a watcher is sent.
pub(super) type Events =
    Pin<Box<dyn Stream<Item = Result<WatchAuditEventsResponse, Status>> + Send>>;

/// Somebody who watches.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) pool: Pool,
    /// How far the chain goes.
    pub(super) head: watch::Receiver<i64>,
    pub(super) stopping: Stopping,
    /// The session that the watcher is signed in with.
    pub(super) session_id: Uuid,
    pub(super) kind: Prefix,
    /// The last place that was sent or is of no interest.
    pub(super) after: i64,
    pub(super) follow: bool,
    pub(super) read: VecDeque<WatchAuditEventsResponse>,
}

// === impl Watch ===

impl Watch {
    pub(super) fn events(self) -> Events {
        Box::pin(stream::try_unfold(self, Self::next))
    }

    async fn next(mut self) -> Result<Option<(WatchAuditEventsResponse, Self)>, Status> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Ok(Some((event, self)));
            }
            if !self.look().await? && !self.wait().await? {
                return Ok(None);
            }
        }
    }

    /// Reads what is next; whether there was something. Whoever has signed out or
    /// lost their rank hears nothing more.
    async fn look(&mut self) -> Result<bool, Status> {
        if !search::may_watch(&self.pool, self.session_id).await? {
            return Err(status::refuse(Reason::SESSION_ENDED));
        }
        let head = *self.head.borrow_and_update();
        let events = search::follow(&self.pool, self.after, &self.kind, AHEAD).await?;
        let is_all = i64::try_from(events.len()).is_ok_and(|count| count < AHEAD);
        let last = events.last().map_or(self.after, |(position, _)| *position);
        self.after = if is_all { last.max(head) } else { last };
        self.read = events.into_iter().map(|(_, event)| named(event)).collect();
        Ok(!self.read.is_empty())
    }

    /// Waits until there may be more; whether there may.
    async fn wait(&mut self) -> Result<bool, Status> {
        if !self.follow {
            return Ok(false);
        }
        tokio::select! {
            () = self.stopping.told() => {
                Err(status::refuse_until(Reason::UNAVAILABLE, COME_BACK))
            }
            changed = self.head.changed() => Ok(changed.is_ok()),
            () = sleep(LOOK_AGAIN) => Ok(true),
        }
    }
}

fn named(event: proto::auth::v1::AuditEvent) -> WatchAuditEventsResponse {
    WatchAuditEventsResponse { id: event.id.clone(), event: Some(event) }
}
