//! One message to a service and one back.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, request::Parts};
use platform::{
    idempotency::IDEMPOTENT_REPLAYED, request_id::RequestContext, status::Reason, timing,
};
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
    credentials::{Changes, Identity, Once},
    download, edge, headers,
    problem::Problem,
    route::{Answers, Found, Route, Sends},
    stream,
    transcode::{self, Given, Reply},
    upload::{self, Media},
};

const TRANSCODE: &str = "transcode";

/// A request that is read and understood.
#[derive(Clone)]
pub(crate) struct Asked<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) found: &'a Found<'a>,
    pub(crate) identity: &'a Identity,
    /// What goes along with the message.
    pub(crate) metadata: HeaderMap,
    /// What the service is asked.
    pub(crate) message: Bytes,
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
        let identity = self.credentials.identify(&parts.headers);
        let identity = identity
            .map_err(|status| Problem::of_status(&status, |field| found.route.place_of(field)))?;
        let ask = |body| Asked::read(parts, found, &identity, body, at);
        match &found.route.rpc.sends {
            Sends::File(file) if file.is_stream => {
                let asked = ask(b"")?;
                let bounds = (&self.guard, &self.quota, &self.streams.uploads);
                let sent = (&asked, file);
                let answered = upload::send(bounds, &self.credentials, sent, body, changes).await?;
                show(&asked, answered, changes).map_err(|status| asked.problem(&status))
            }
            Sends::File(file) => {
                let Media::File(media_type) = Media::of(&parts.headers)? else {
                    return Err(Problem::of(Reason::UNSUPPORTED_MEDIA_TYPE)
                        .detail("send the file itself rather than a form"));
                };
                let body = edge::read(&parts.headers, body, &self.room).await?;
                let mut asked = ask(b"")?;
                asked.message = upload::whole(file, asked.message, &media_type, &body.bytes);
                self.answer_to(asked, changes).await
            }
            Sends::Message => {
                let body = edge::read(&parts.headers, body, &self.room).await?;
                if !body.bytes.is_empty() {
                    edge::check_media_type(&parts.method, &parts.headers)?;
                }
                self.answer_to(ask(&body.bytes)?, changes).await
            }
        }
    }

    /// Calls the method and answers with what it gives.
    async fn answer_to(&self, asked: Asked<'_>, changes: &mut Changes) -> Answer {
        let rpc = &asked.found.route.rpc;
        match rpc.answers {
            Answers::Message => {
                let is_kept = self.cache.keeps(rpc) && asked.identity.is_anonymous();
                let answer = if is_kept && is_look(asked.parts) {
                    self.answer_from_cache(&asked).await
                } else {
                    self.answer_anew(&asked, changes).await
                };
                answer.map_err(|status| asked.problem(&status))
            }
            Answers::Events { .. } => {
                let limit = rpc.time_limit;
                let answer =
                    Box::pin(stream::answer(&self.streams, &self.credentials, asked, changes));
                within(limit, answer).await
            }
            Answers::File { is_stream } => {
                let (limit, streams) = (rpc.time_limit, &self.streams);
                let credentials = &self.credentials;
                let answer = download::answer(streams, credentials, asked, is_stream, changes);
                within(limit, Box::pin(answer)).await
            }
        }
    }

    async fn answer_anew(
        &self,
        asked: &Asked<'_>,
        changes: &mut Changes,
    ) -> Result<Response, Status> {
        let answered = self.ask(asked, changes).await?;
        show(asked, answered, changes)
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
        Ok(Finished { shown, json: reply.json, asked: started, lifetime })
    }

    async fn ask(&self, asked: &Asked<'_>, changes: &mut Changes) -> Result<Answered, Status> {
        let rpc = &asked.found.route.rpc;
        let (metadata, message) = (asked.metadata.clone(), asked.message.clone());
        let call = Call { rpc, metadata, message };
        let call = self.credentials.call(Once, call, asked.identity, changes);
        let upstream = timing::start("upstream");
        let answered = within(rpc.time_limit, call).await;
        upstream.stop();
        if let Ok(Answered { metadata, .. }) = &answered {
            timing::pass_on(metadata);
        }
        answered
    }
}

// === impl Asked ===

impl<'a> Asked<'a> {
    /// Makes the message that a request stands for.
    fn read(
        parts: &'a Parts,
        found: &'a Found<'a>,
        identity: &'a Identity,
        body: &[u8],
        at: Instant,
    ) -> Result<Self, Box<Problem>> {
        let rpc = &found.route.rpc;
        let message = message(parts, found, body, identity)?;
        let message = headers::fill(rpc, (&parts.method, &parts.headers), message)?;
        let metadata = headers::metadata(rpc, &parts.headers)?;
        Ok(Self { parts, found, identity, metadata, message, at })
    }

    /// A service's refusal, in the client's words.
    pub(crate) fn problem(&self, status: &Status) -> Box<Problem> {
        Problem::of_status(status, |field| self.found.route.place_of(field))
    }
}

/// Answers with what a service said, unless the client has it already.
fn show(asked: &Asked<'_>, answered: Answered, changes: &mut Changes) -> Result<Response, Status> {
    let Asked { parts, found, identity, .. } = asked;
    let route = found.route;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_has_the_time_that_its_method_takes_and_its_client_allows() {
        let remaining = async |asked: Option<u64>, limit: u64| {
            let mut context = RequestContext::read(&HeaderMap::new());
            context.deadline = asked.map(|asked| Instant::now() + Duration::from_secs(asked));
            let work = async { RequestContext::current()?.remaining() };
            let left = context.scope(within(Duration::from_secs(limit), work)).await;
            left.unwrap().as_secs_f64().round()
        };
        for (asked, limit, expected) in
            [(None, 10, 10.0), (None, 60, 60.0), (Some(20), 60, 20.0), (Some(20), 10, 10.0)]
        {
            let left = remaining(asked, limit).await;
            assert!((left - expected).abs() < 1.5, "{asked:?} {limit}: {left}");
        }
    }
}
