//! The way of one call.

use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, header};
use http_body_util::{BodyExt, StreamBody};
use platform::{
    idempotency::IDEMPOTENT_REPLAYED,
    request_id::RequestContext,
    status::{self, Reason},
};
use tonic::Status;

use super::{Protocol, Spoken, connect, frames, message, secrets, stream};
use crate::{
    Response,
    body::{Incoming, Outgoing},
    call::Call,
    compress::add_vary,
    credentials::{Changes, Credentials, Identity, Once, Streamed},
    edge, headers,
    holder::Holder,
    problem::Problem,
    route::{Answers, Found, Sends},
    stream::{Life, Streams},
    transcode,
};

const NO_GRPC: &str =
    "this port speaks REST, gRPC-Web and Connect; gRPC itself is on the services' own ports";
const NO_UPLOADS: &str = "streams of requests are for REST: send the file to the method's route";
const NO_STREAMS: &str =
    "streams come over gRPC-Web, or from the method's route as server-sent events";

/// What it takes to carry a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carrier<'a> {
    pub(crate) credentials: &'a Credentials,
    pub(crate) streams: &'a Streams,
    pub(crate) room: &'a edge::Room,
}

// === impl Carrier ===

impl Carrier<'_> {
    /// Carries a call, or says in the words of its protocol why not.
    pub(crate) async fn answer(
        &self,
        spoken: &Spoken<'_>,
        body: &mut Incoming,
        changes: &mut Changes,
    ) -> Response {
        let unknown = |detail| Err(status::refuse_because(Reason::METHOD_UNKNOWN, detail));
        let carried = match (&spoken.found, spoken.protocol) {
            (_, Protocol::Grpc) => unknown(NO_GRPC),
            (None, _) => Err(status::refuse(Reason::METHOD_UNKNOWN)),
            (Some(found), _) => match &found.route.rpc.sends {
                Sends::File(file) if file.is_stream => unknown(NO_UPLOADS),
                Sends::File(_) | Sends::Message => {
                    return self.carry(spoken, found, body, changes).await;
                }
            },
        };
        carried.unwrap_or_else(|status| spoken.refuse(&status))
    }

    async fn carry(
        &self,
        spoken: &Spoken<'_>,
        found: &Found<'_>,
        body: &mut Incoming,
        changes: &mut Changes,
    ) -> Response {
        let (began, parts) = (Instant::now(), spoken.parts);
        let body = match edge::read(&parts.headers, body, self.room).await {
            Ok(body) => body,
            Err(problem) => return spoken.refuse_problem(&problem),
        };
        let identity = match self.credentials.identify(&parts.headers) {
            Ok(identity) => identity,
            Err(status) => return spoken.refuse(&status),
        };
        let request = message::read(spoken.protocol, (parts, found), &identity, &body.bytes);
        let request = match request {
            Ok(request) => request,
            Err(problem) => return spoken.refuse_problem(&problem),
        };
        let rpc = &found.route.rpc;
        let filled = headers::fill(rpc, (&parts.method, &parts.headers), request);
        let filled = filled.and_then(|message| {
            headers::metadata(rpc, &parts.headers).map(|metadata| (message, metadata))
        });
        let (message, metadata) = match filled {
            Ok(filled) => filled,
            Err(problem) => return spoken.refuse_problem(&problem),
        };
        let call = Call { rpc, metadata, message };
        let work = self.call(spoken, found, (call, &identity), changes);
        let answer = match RequestContext::current() {
            Some(mut context) => {
                let own = context.deadline.map(|deadline| deadline + began.elapsed());
                let asked = message::patience(&parts.headers);
                let asked = asked.and_then(|patience| Instant::now().checked_add(patience));
                let most = Instant::now().checked_add(rpc.time_limit);
                context.deadline = own.into_iter().chain(asked).chain(most).min();
                context.scope(work).await
            }
            None => work.await,
        };
        answer.unwrap_or_else(|status| spoken.refuse(&status))
    }

    async fn call(
        &self,
        spoken: &Spoken<'_>,
        found: &Found<'_>,
        (call, identity): (Call<'_>, &Identity),
        changes: &mut Changes,
    ) -> Result<Response, Status> {
        let is_stream = match found.route.rpc.answers {
            Answers::Events { .. } => true,
            Answers::File { is_stream } => is_stream,
            Answers::Message => false,
        };
        match spoken.protocol {
            Protocol::GrpcWeb { is_text } if is_stream => {
                let body = self.open(spoken, (call, identity), is_text, changes).await?;
                Ok(frames::begin(body, is_text))
            }
            _ if is_stream => Err(status::refuse_because(Reason::METHOD_UNKNOWN, NO_STREAMS)),
            protocol => {
                let answer = self.credentials.call(Once, call, identity, changes).await?;
                let mut response = show(protocol, found, answer.message, (identity, changes))?;
                if let Some(replayed) = answer.metadata.get(IDEMPOTENT_REPLAYED) {
                    response.headers_mut().insert(IDEMPOTENT_REPLAYED, replayed.clone());
                }
                Ok(response)
            }
        }
    }

    async fn open(
        &self,
        spoken: &Spoken<'_>,
        (call, identity): (Call<'_>, &Identity),
        is_text: bool,
        changes: &mut Changes,
    ) -> Result<Outgoing, Status> {
        let (opened, token) = self.credentials.call(Streamed, call, identity, changes).await?;
        let caller = Holder::of(token.as_ref(), &spoken.parts.extensions);
        let seat = self.streams.events.take(caller).map_err(status::refuse)?;
        let life = Life::new(self.streams, token.as_ref(), seat);
        let frames = stream::Frames::new(opened.messages, life, is_text);
        let body =
            StreamBody::new(futures_util::stream::unfold(Some(frames), stream::Frames::next));
        Ok(Outgoing::Stream(body.boxed_unsync()))
    }
}

/// A reply without its secrets, as the protocol has it.
fn show(
    protocol: Protocol,
    found: &Found<'_>,
    message: Bytes,
    (identity, changes): (&Identity, &mut Changes),
) -> Result<Response, Status> {
    let Protocol::Connect { is_json, is_get } = protocol else {
        let (message, issued) = take(found, &message)?;
        changes.extend(issued);
        let is_text = protocol == Protocol::GrpcWeb { is_text: true };
        return Ok(frames::answer(frames::whole(&message), is_text));
    };
    let (message, issued) = if is_json {
        let reply = transcode::reply(found.route, message)?;
        (reply.json, reply.credentials)
    } else {
        take(found, &message)?
    };
    changes.extend(issued);
    let mut response = connect::answer(message, is_json);
    let seconds = found.route.rpc.cache_seconds;
    let kept = HeaderValue::try_from(format!("public, max-age={seconds}"));
    if let Some(kept) = kept.ok().filter(|_| is_get && seconds > 0 && identity.is_anonymous()) {
        response.headers_mut().insert(header::CACHE_CONTROL, kept);
        for name in ["Authorization", "Cookie"] {
            add_vary(response.headers_mut(), name);
        }
    }
    Ok(response)
}

fn take(found: &Found<'_>, message: &Bytes) -> Result<(Bytes, Vec<transcode::Issued>), Status> {
    secrets::take(&found.route.rpc, message).map_err(|malformed| status::internal(&malformed))
}

// === impl Spoken ===

impl Spoken<'_> {
    /// A problem as the protocol has it.
    pub(crate) fn refuse_problem(&self, problem: &Problem) -> Response {
        let mut response = self.refuse(&problem.as_status());
        if problem.is_last() && self.parts.version < http::Version::HTTP_2 {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }
}
