//! One message to a service and one back.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, request::Parts};
use platform::{idempotency::IDEMPOTENT_REPLAYED, request_id::RequestContext, timing};
use tonic::Status;

use super::{
    Answer, Inner,
    show::{Keeping, held, kept, success},
};
use crate::{
    Response,
    body::Incoming,
    cache::Finished,
    call::{Answered, Call},
    compress::Coding,
    conditional::{Shown, is_look},
    credentials::{Changes, Identity},
    edge, headers,
    problem::Problem,
    route::{Found, Route},
    transcode::{self, Given, Reply},
};

const TRANSCODE: &str = "transcode";

/// A request that is understood.
struct Asked<'a> {
    parts: &'a Parts,
    found: &'a Found<'a>,
    identity: &'a Identity,
    metadata: HeaderMap,
    message: Bytes,
    at: Instant,
}

// === impl Inner ===

impl Inner {
    /// Carries a request to its service and the reply back.
    pub(super) async fn carry(
        &self,
        parts: &Parts,
        body: &mut Incoming,
        found: &Found<'_>,
        changes: &mut Changes,
    ) -> Answer {
        let at = Instant::now();
        let body = edge::read(&parts.headers, body, &self.room).await?;
        if !body.bytes.is_empty() {
            edge::check_media_type(&parts.method, &parts.headers)?;
        }
        let problem =
            |status: Status| Problem::of_status(&status, |field| found.route.place_of(field));
        let identity = self.credentials.identify(&parts.headers).map_err(problem)?;
        let message = message(parts, found, &body.bytes, &identity)?;
        let message = headers::fill(&found.route.rpc, &parts.headers, message)?;
        let metadata = headers::metadata(&found.route.rpc, &parts.headers)?;
        let asked = Asked { parts, found, identity: &identity, metadata, message, at };
        let is_kept = self.cache.keeps(&found.route.rpc) && identity.is_anonymous();
        let answer = if is_kept && is_look(parts) {
            self.answer_from_cache(&asked).await
        } else {
            self.answer_anew(&asked, changes).await
        };
        answer.map_err(problem)
    }

    async fn answer_anew(
        &self,
        asked: &Asked<'_>,
        changes: &mut Changes,
    ) -> Result<Response, Status> {
        let Asked { parts, found, identity, .. } = asked;
        let route = found.route;
        let answered = self.ask(asked, changes).await?;
        let shown = Shown::of(route, &answered.message);
        let keeping = Keeping::of(parts, &route.rpc, identity);
        if let Some(held) = held(parts, &shown, keeping) {
            return Ok(held);
        }
        let reply = transcoded(route, answered.message)?;
        changes.extend(reply.credentials.iter().cloned());
        let mut response = success(parts, found, reply, &shown, keeping);
        if let Some(replayed) = answered.metadata.get(IDEMPOTENT_REPLAYED) {
            response.headers_mut().insert(IDEMPOTENT_REPLAYED, replayed.clone());
        }
        Ok(response)
    }

    /// Answers a stranger: everybody is shown the same.
    async fn answer_from_cache(&self, asked: &Asked<'_>) -> Result<Response, Status> {
        let Asked { parts, found, .. } = asked;
        let route = found.route;
        // Large, and seldom needed.
        let make = || Box::pin(self.finished(asked));
        let finished = self.cache.get(route, &asked.message, make).await?;
        // Whoever had it made knows that it is new.
        let age = finished.age_seconds(asked.at);
        let keeping = Keeping::Shared { seconds: route.rpc.cache_seconds, age };
        if let Some(held) = held(parts, &finished.shown, keeping) {
            return Ok(held);
        }
        let packed = match Coding::chosen(&parts.headers) {
            None => None,
            Some(coding) => {
                self.cache.packed(route, &finished, coding).await.map(|bytes| (coding, bytes))
            }
        };
        Ok(kept(parts, route, &finished, packed, keeping))
    }

    async fn finished(&self, asked: &Asked<'_>) -> Result<Finished, Status> {
        let (route, started) = (asked.found.route, Instant::now());
        let answered = self.ask(asked, &mut Changes::default()).await?;
        let shown = Shown::of(route, &answered.message);
        let reply = transcoded(route, answered.message)?;
        let lifetime = Duration::from_secs(route.rpc.cache_seconds.into());
        Ok(Finished { shown, json: reply.json.into(), asked: started, lifetime })
    }

    async fn ask(&self, asked: &Asked<'_>, changes: &mut Changes) -> Result<Answered, Status> {
        let rpc = &asked.found.route.rpc;
        let (metadata, message) = (asked.metadata.clone(), asked.message.clone());
        let call = Call { rpc, metadata, message };
        let call = self.credentials.call(call, asked.identity, changes);
        let upstream = timing::start("upstream");
        let answered = within(rpc.time_limit, call).await;
        upstream.stop();
        if let Ok(Answered { metadata, .. }) = &answered {
            timing::pass_on(metadata);
        }
        answered
    }
}

fn message(
    parts: &Parts,
    found: &Found<'_>,
    body: &[u8],
    identity: &Identity,
) -> Result<Bytes, Box<Problem>> {
    let credential = |kind| identity.secret(kind);
    let given = Given { query: parts.uri.query(), body, credential: &credential };
    let transcoding = timing::start(TRANSCODE);
    let message = transcode::request(found, given);
    transcoding.stop();
    message
}

fn transcoded(route: &Route, message: Bytes) -> Result<Reply, Status> {
    let transcoding = timing::start(TRANSCODE);
    let reply = transcode::reply(route, message);
    transcoding.stop();
    reply
}

/// The time that a client takes to send its body is not taken from the service's.
/// What the client waits for counts from when it asked.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> T {
    match RequestContext::current() {
        Some(mut context) => {
            let most = Instant::now() + limit;
            context.deadline = Some(context.deadline.map_or(most, |asked| asked.min(most)));
            context.scope(work).await
        }
        None => work.await,
    }
}
