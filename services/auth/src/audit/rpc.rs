//! The gRPC edge: caller, decode, check, one call, reply.

use std::{collections::VecDeque, sync::Arc};

use database::Pool;
use jiff::Timestamp;
use platform::{
    access::{Caller, admit},
    page::{Filter, Pages},
    server::Stopping,
    status::{self, Reason},
    time::from_proto,
};
use proto::auth::v1 as pb;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::{
    search::{self, Prefix, Search},
    watch::{Events, Watch},
};

/// Serves `mainstay.auth.v1.AuditService`.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) pool: Pool,
    pub(crate) pages: Arc<Pages>,
    /// How far the chain goes.
    pub(crate) head: watch::Receiver<i64>,
    pub(crate) stopping: Stopping,
}

#[tonic::async_trait]
impl pb::audit_service_server::AuditService for Rpc {
    type WatchAuditEventsStream = Events;

    async fn list_audit_events(
        &self,
        request: Request<pb::ListAuditEventsRequest>,
    ) -> Result<Response<pb::ListAuditEventsResponse>, Status> {
        let (caller, request) = admit(request)?;
        let (now, filter) = (Timestamp::now(), filter(&request));
        let page = self.pages.read(request.page_size, &request.page_token, &filter, now)?;
        let search = search_of(&caller, request)?;
        let mut events = search::list(&self.pool, &page, &search).await?;
        let next_page_token = self.pages.cut(&page, &mut events, now, |(key, _)| *key);
        let events = events.into_iter().map(|(_, event)| event).collect();
        Ok(Response::new(pb::ListAuditEventsResponse { events, next_page_token }))
    }

    async fn list_user_audit_events(
        &self,
        request: Request<pb::ListUserAuditEventsRequest>,
    ) -> Result<Response<pb::ListUserAuditEventsResponse>, Status> {
        let (caller, request) = admit(request)?;
        let user_id = caller.acting_for(&request.user_id)?;
        let (now, filter) = (Timestamp::now(), Filter::of("own events").with(user_id.as_bytes()));
        let page = self.pages.read(request.page_size, &request.page_token, &filter, now)?;
        let mut events = search::list_own(&self.pool, &page, user_id).await?;
        let next_page_token = self.pages.cut(&page, &mut events, now, |(key, _)| *key);
        let events = events.into_iter().map(|(_, event)| event).collect();
        Ok(Response::new(pb::ListUserAuditEventsResponse { events, next_page_token }))
    }

    async fn watch_audit_events(
        &self,
        request: Request<pb::WatchAuditEventsRequest>,
    ) -> Result<Response<Events>, Status> {
        let (caller, request) = admit(request)?;
        let session_id = caller.session_id();
        let mut head = self.head.clone();
        // Checked digits; what is none begins at the beginning.
        let named = request.after.and_then(|after| after.parse().ok());
        let begin = if request.follow { *head.borrow_and_update() } else { 0 };
        let watch = Watch {
            pool: self.pool.clone(),
            head,
            stopping: self.stopping.clone(),
            session_id: session_id.ok_or_else(|| status::refuse(Reason::SIGN_IN_REQUIRED))?,
            kind: Prefix::new(request.kind),
            after: named.unwrap_or(begin),
            follow: request.follow,
            read: VecDeque::new(),
        };
        Ok(Response::new(watch.events()))
    }

    async fn list_audit_checkpoints(
        &self,
        request: Request<pb::ListAuditCheckpointsRequest>,
    ) -> Result<Response<pb::ListAuditCheckpointsResponse>, Status> {
        let (_, request) = admit(request)?;
        let (now, filter) = (Timestamp::now(), Filter::of("checkpoints"));
        let page = self.pages.read(request.page_size, &request.page_token, &filter, now)?;
        let mut found = search::list_checkpoints(&self.pool, &page).await?;
        let next_page_token = self.pages.cut(&page, &mut found, now, |(key, _)| *key);
        let checkpoints = found.into_iter().map(|(_, checkpoint)| checkpoint).collect();
        Ok(Response::new(pb::ListAuditCheckpointsResponse { checkpoints, next_page_token }))
    }
}

fn search_of(caller: &Caller, request: pb::ListAuditEventsRequest) -> Result<Search, Status> {
    let resolve = |id: Option<String>| id.map(|id| caller.resolve(&id)).transpose();
    let time = |name, time: Option<_>| time.map(|time| from_proto(name, time)).transpose();
    Ok(Search {
        kind: Prefix::new(request.kind),
        actor: resolve(request.actor)?,
        subject: resolve(request.subject)?,
        since: time("since", request.since)?,
        until: time("until", request.until)?,
    })
}

/// What a page token of the list is good for: the same filters.
fn filter(request: &pb::ListAuditEventsRequest) -> Filter {
    let pb::ListAuditEventsRequest { kind, actor, subject, since, until, .. } = request;
    let texts = [kind, actor, subject].map(|text| text.as_deref().unwrap_or_default());
    let filter = Filter::of("events");
    let filter = texts.into_iter().fold(filter, |filter, text| filter.with(text.as_bytes()));
    [since, until].into_iter().fold(filter, |filter, time| {
        let time = time.map(|time| (time.seconds.to_be_bytes(), time.nanos.to_be_bytes()));
        let bytes = time.map(|(seconds, nanos)| [&seconds[..], &nanos[..]].concat());
        filter.with(&bytes.unwrap_or_default())
    })
}
