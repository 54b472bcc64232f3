//! One message to a service and one back.

use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header, request::Parts};
use platform::{request_id::RequestContext, status::Reason};
use tonic::Status;

use super::{Answer, Inner};
use crate::{
    Response,
    body::Incoming,
    call::Call,
    credentials::{Changes, Identity, Once},
    edge, headers,
    problem::Problem,
    route::{Answers, Found, Route},
    stream,
    transcode::{self, Given, Reply},
};

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
        let asked = Instant::now();
        let body = edge::read(&parts.headers, body, &self.room).await?;
        if !body.bytes.is_empty() {
            edge::check_media_type(&parts.method, &parts.headers)?;
        }
        let identity = self.credentials.identify(&parts.headers);
        let identity = identity
            .map_err(|status| Problem::of_status(&status, |field| found.route.place_of(field)))?;
        let given = Given {
            query: parts.uri.query(),
            body: &body.bytes,
            credential: &|kind| identity.secret(kind),
        };
        let message = transcode::request(found, given)?;
        let message = headers::fill(&found.route.rpc, &parts.headers, message);
        let asked_for = Asked { parts, found, identity: &identity, message };
        after_reading(asked, self.answer_to(asked_for, changes)).await
    }

    /// Calls the method and answers with what it gives.
    async fn answer_to(&self, asked: Asked<'_>, changes: &mut Changes) -> Answer {
        match asked.found.route.rpc.answers {
            Answers::Message => self.message(asked, changes).await,
            Answers::Events { .. } => {
                stream::answer(&self.streams, &self.credentials, asked, changes).await
            }
            Answers::File { .. } => Err(Problem::of(Reason::METHOD_UNKNOWN)),
        }
    }

    async fn message(&self, asked: Asked<'_>, changes: &mut Changes) -> Answer {
        let Asked { found, identity, message, .. } = asked;
        let route = found.route;
        let call = Call::new(&route.rpc, message);
        let answer = self.credentials.call(Once, call, identity, changes).await;
        let reply = answer.and_then(|answered| transcode::reply(route, answered.message));
        let reply =
            reply.map_err(|status| Problem::of_status(&status, |field| route.place_of(field)))?;
        changes.extend(reply.credentials.iter().cloned());
        Ok(success(found, reply, identity.is_anonymous()))
    }
}

/// A request that is read and understood.
#[derive(Clone)]
pub(crate) struct Asked<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) found: &'a Found<'a>,
    pub(crate) identity: &'a Identity,
    /// What the service is asked.
    pub(crate) message: Bytes,
}

// === impl Asked ===

impl Asked<'_> {
    /// A service's refusal, in the client's words.
    pub(crate) fn problem(&self, status: &Status) -> Box<Problem> {
        Problem::of_status(status, |field| self.found.route.place_of(field))
    }
}

/// The time that a client takes to send its body is not taken from the service's.
async fn after_reading<T>(asked: Instant, work: impl Future<Output = T>) -> T {
    match RequestContext::current() {
        Some(mut context) => {
            context.deadline = context.deadline.map(|deadline| deadline + asked.elapsed());
            context.scope(work).await
        }
        None => work.await,
    }
}

/// `may_be_kept`: nothing in the request said who makes it.
fn success(found: &Found<'_>, reply: Reply, may_be_kept: bool) -> Response {
    let route: &Route = found.route;
    if route.rpc.is_silent() {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        return response;
    }
    let mut response = Response::new(reply.json.into());
    let is_created = route.is_creation();
    *response.status_mut() = if is_created { StatusCode::CREATED } else { StatusCode::OK };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let location = reply.id.as_deref().and_then(|id| route.location_of(id, &found.path));
    if let Some(location) = location.and_then(|path| HeaderValue::try_from(path).ok()) {
        headers.insert(header::LOCATION, location);
    }
    let seconds = route.rpc.cache_seconds;
    let kept = HeaderValue::try_from(format!("public, max-age={seconds}"));
    if let Some(kept) = kept.ok().filter(|_| seconds > 0 && !is_created && may_be_kept) {
        headers.insert(header::CACHE_CONTROL, kept);
    }
    response
}
