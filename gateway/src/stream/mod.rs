//! Streams of events: what a service sends one by one, as server-sent events
//! (WHATWG HTML, section 9.2) or as lines of JSON.
//!
//! The first event is awaited before the answer begins, so that whoever is refused
//! is told so by a status; but not for long, because a stream may be quiet.

mod events;
mod format;
mod seats;

use std::{sync::Arc, time::Duration};

use futures_util::{TryStreamExt, stream::unfold};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use jiff::Timestamp;
use platform::{request_id::RequestContext, server::Stopping, status::Reason};
use tokio::time::{Instant, sleep_until, timeout};

pub(crate) use self::seats::{Seat, Seats};
use self::{events::Events, format::Format};
use crate::{
    Response,
    body::Outgoing,
    call::Call,
    credentials::{Changes, Credentials, Streamed},
    holder::{self, Holder},
    problem::Problem,
    serve::{Answer, Asked},
};

const FIRST_WITHIN: Duration = Duration::from_secs(1);
/// So that new settings and new versions get their share, and lost ones an end.
const OLDEST: Duration = Duration::from_mins(30);

/// Enough for the tabs of one reader.
pub(crate) const EVENTS_EACH: usize = 16;
/// Enough for the pictures of one page.
const FILES_EACH: usize = 100;
const UPLOADS_EACH: usize = 16;
/// A service takes 1,000 streams on one connection.
const EVENTS: usize = 600;
const FILES: usize = 300;
const UPLOADS: usize = 100;

/// What keeps a stream open, and what ends it.
#[derive(Debug)]
pub(crate) struct Life {
    stopping: Stopping,
    until: Instant,
    _seat: Seat,
}

/// What all streams share.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    /// Room for events.
    pub(crate) events: Seats,
    /// Room for files that are fetched.
    pub(crate) files: Seats,
    /// Room for files that are sent.
    pub(crate) uploads: Seats,
    /// Ends them when the process ends.
    pub(crate) stopping: Stopping,
}

// === impl Streams ===

impl Streams {
    /// Streams that end with a process.
    pub(crate) fn new(stopping: Stopping) -> Self {
        let (events, files) = (Seats::new(EVENTS_EACH, EVENTS), Seats::new(FILES_EACH, FILES));
        let uploads = Seats::new(UPLOADS_EACH, UPLOADS);
        Self { events, files, uploads, stopping }
    }
}

// === impl Life ===

impl Life {
    /// Begins a stream. It lasts no longer than the token that it was opened with, so
    /// that whoever signed out, or lost a rank, does not read on.
    pub(crate) fn new(streams: &Streams, token: Option<&HeaderValue>, seat: Seat) -> Self {
        let expiry = token.and_then(holder::expiry);
        let left = expiry.map(|expiry| expiry - Timestamp::now().as_second());
        let left = left.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
        let until = Instant::now() + left.map_or(OLDEST, |left| left.min(OLDEST));
        Self { stopping: streams.stopping.clone(), until, _seat: seat }
    }

    /// Waits until the stream has to end, and says why.
    pub(crate) async fn ended(&self) -> &'static str {
        tokio::select! {
            () = self.stopping.told() => "the server is stopping; open the stream again",
            () = sleep_until(self.until) => "the stream was open for long; open it again",
        }
    }
}

/// Refuses a client that can read neither format.
pub(crate) fn check_accept(headers: &HeaderMap) -> Result<(), Box<Problem>> {
    let is_acceptable = Format::of(headers).is_some();
    let problem = || {
        let detail = "answers are text/event-stream or application/x-ndjson; accept one of them";
        Problem::of(Reason::NOT_ACCEPTABLE).detail(detail)
    };
    is_acceptable.then_some(()).ok_or_else(problem)
}

/// Opens a stream and begins to answer with it.
pub(crate) async fn answer(
    streams: &Streams,
    credentials: &Credentials,
    asked: Asked<'_>,
    changes: &mut Changes,
) -> Answer {
    let began = Instant::now();
    let route = asked.found.route;
    let (metadata, message) = (asked.metadata.clone(), asked.message.clone());
    let call = Call { rpc: &route.rpc, metadata, message };
    let opened = credentials.call(Streamed, call, asked.identity, changes).await;
    let (opened, token) = opened.map_err(|status| asked.problem(&status))?;
    // A seat is for whoever the service let in: nobody can take those of others.
    let caller = Holder::of(token.as_ref(), &asked.parts.extensions);
    let seat = streams.events.take(caller).map_err(Problem::of)?;
    let mut messages = opened.messages;
    let left = FIRST_WITHIN.saturating_sub(began.elapsed());
    let first = match timeout(left, messages.next()).await {
        Ok(Err(status)) => return Err(asked.problem(&status)),
        Ok(Ok(None)) => Some(None),
        Ok(Ok(Some(message))) => Some(Some(message)),
        Err(_quiet) => None,
    };
    let format = Format::of(&asked.parts.headers).unwrap_or(Format::Lines);
    let context = RequestContext::current();
    let request_id = context.map(|context| context.id().to_owned()).unwrap_or_default();
    let life = Life::new(streams, token.as_ref(), seat);
    let events = Events::new((format, Arc::clone(route)), (messages, first), life, request_id);
    Ok(begin(format, events))
}

fn begin(format: Format, events: Events) -> Response {
    let pieces = unfold(events, Events::next);
    let body = StreamBody::new(pieces.map_ok(Frame::data));
    let mut response = Response::new(Outgoing::Stream(body.boxed_unsync()));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would otherwise keep events until it has a page full of them.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
