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
    download, edge, headers,
    problem::Problem,
    route::{Answers, Found, Route, Sends},
    stream,
    transcode::{self, Given, Reply},
    upload::{self, Media},
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
        let began = Instant::now();
        let identity = self.credentials.identify(&parts.headers);
        let identity = identity
            .map_err(|status| Problem::of_status(&status, |field| found.route.place_of(field)))?;
        match &found.route.rpc.sends {
            Sends::File(file) if file.is_stream => {
                let asked = ask(parts, found, &identity, b"")?;
                let (quota, credentials) = (&self.quota, &self.credentials);
                let sent = upload::send(quota, credentials, (&asked, file), body, changes).await?;
                show(&asked, sent, changes)
            }
            Sends::File(file) => {
                let Media::File(media_type) = Media::of(&parts.headers)? else {
                    return Err(Problem::of(Reason::UNSUPPORTED_MEDIA_TYPE)
                        .detail("send the file itself rather than a form"));
                };
                let body = edge::read(&parts.headers, body, &self.room).await?;
                let mut asked = ask(parts, found, &identity, b"")?;
                asked.message = upload::whole(file, asked.message, &media_type, &body.bytes);
                after_reading(began, self.answer_to(asked, changes)).await
            }
            Sends::Message => {
                let body = edge::read(&parts.headers, body, &self.room).await?;
                if !body.bytes.is_empty() {
                    edge::check_media_type(&parts.method, &parts.headers)?;
                }
                let asked = ask(parts, found, &identity, &body.bytes)?;
                after_reading(began, self.answer_to(asked, changes)).await
            }
        }
    }

    /// Calls the method and answers with what it gives.
    async fn answer_to(&self, asked: Asked<'_>, changes: &mut Changes) -> Answer {
        match asked.found.route.rpc.answers {
            Answers::Message => self.message(asked, changes).await,
            Answers::Events { .. } => {
                stream::answer(&self.streams, &self.credentials, asked, changes).await
            }
            Answers::File { is_stream } => {
                let (streams, credentials) = (&self.streams, &self.credentials);
                download::answer(streams, credentials, asked, is_stream, changes).await
            }
        }
    }

    async fn message(&self, asked: Asked<'_>, changes: &mut Changes) -> Answer {
        let call = Call::new(&asked.found.route.rpc, asked.message.clone());
        let answer = self.credentials.call(Once, call, asked.identity, changes).await;
        let answered = answer.map_err(|status| asked.problem(&status))?;
        show(&asked, answered.message, changes)
    }
}

/// Makes the message that a request stands for.
fn ask<'a>(
    parts: &'a Parts,
    found: &'a Found<'a>,
    identity: &'a Identity,
    body: &[u8],
) -> Result<Asked<'a>, Box<Problem>> {
    let credential = |kind| identity.secret(kind);
    let given = Given { query: parts.uri.query(), body, credential: &credential };
    let message = transcode::request(found, given)?;
    let message = headers::fill(&found.route.rpc, &parts.headers, message);
    Ok(Asked { parts, found, identity, message })
}

/// Makes the answer that a reply stands for.
fn show(asked: &Asked<'_>, message: Bytes, changes: &mut Changes) -> Answer {
    let reply = transcode::reply(asked.found.route, message);
    let reply = reply.map_err(|status| asked.problem(&status))?;
    changes.extend(reply.credentials.iter().cloned());
    Ok(success(asked.found, reply, asked.identity.is_anonymous()))
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
