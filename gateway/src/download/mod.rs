//! Files that clients fetch: a `google.api.HttpBody`, or a stream of them, as the
//! body of an answer. What the service says beside it becomes headers.

mod head;
mod pieces;
mod range;

use std::time::Duration;

use futures_util::stream::unfold;
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, StreamBody};
use platform::status::{self, Reason};
use tonic::Status;

pub(crate) use self::range::is_usable;
use self::{
    head::Head,
    pieces::{File, Pieces},
};
use crate::{
    Response,
    body::Outgoing,
    call::{Call, Messages},
    compress::add_vary,
    credentials::{Changes, Credentials, Streamed},
    holder::Holder,
    serve::{Answer, Asked},
    stream::Streams,
};

/// How long a service may take for the first piece.
const FIRST_WITHIN: Duration = Duration::from_secs(10);

/// Fetches a file and answers with it.
pub(crate) async fn answer(
    streams: &Streams,
    credentials: &Credentials,
    asked: Asked<'_>,
    is_stream: bool,
    changes: &mut Changes,
) -> Answer {
    let (metadata, message) = (asked.metadata.clone(), asked.message.clone());
    let call = Call { rpc: &asked.found.route.rpc, metadata, message };
    let opened = credentials.call(Streamed, call, asked.identity, changes).await;
    let (opened, token) = match opened {
        Ok(opened) => opened,
        Err(status) => return Ok(refusal(&asked, &status)),
    };
    let caller = Holder::of(token.as_ref(), &asked.parts.extensions);
    let seat = streams.files.take(caller).map_err(crate::problem::Problem::of)?;
    let mut messages = opened.messages;
    let file = match first(&mut messages, is_stream).await {
        Ok(file) => file,
        Err(status) => return Ok(refusal(&asked, &status)),
    };
    let head = Head::read(&opened.metadata, &file, &asked.parts.headers);
    let is_known = is_read(&asked.parts.method) && head.is_known_to(&asked.parts.headers);
    let body = if is_known {
        Outgoing::default()
    } else if is_stream {
        let pieces = Pieces::new(file.data, messages, head.length, seat);
        let body = StreamBody::new(unfold(Some(pieces), Pieces::next));
        Outgoing::Stream(body.boxed_unsync())
    } else {
        Outgoing::from(file.data)
    };
    Ok(begin(&asked, head, is_known, body))
}

/// The first piece, which says what the file is; of one message, all of it.
async fn first(messages: &mut Messages, is_stream: bool) -> Result<File, Status> {
    let first = messages.next_within(FIRST_WITHIN).await?.unwrap_or_default();
    let file = File::read(&first).map_err(|malformed| status::internal(&malformed))?;
    if !is_stream && messages.next_within(FIRST_WITHIN).await?.is_some() {
        return Err(status::refuse(Reason::INTERNAL));
    }
    Ok(file)
}

fn begin(asked: &Asked<'_>, head: Head, is_known: bool, body: Outgoing) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = if is_known {
        StatusCode::NOT_MODIFIED
    } else if head.is_part {
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    let rpc = &asked.found.route.rpc;
    let mut headers = head.headers;
    if is_known {
        headers.remove(header::CONTENT_LENGTH);
    }
    // What not everybody may see nobody keeps for others, whatever the service says.
    if !rpc.is_public || !asked.identity.is_anonymous() {
        let is_for_nobody = headers.get(header::CACHE_CONTROL).is_some_and(|it| it == "no-store");
        if !is_for_nobody {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        }
    } else if rpc.cache_seconds > 0 {
        let kept = HeaderValue::try_from(format!("public, max-age={}", rpc.cache_seconds));
        if let Ok(kept) = kept {
            headers.entry(header::CACHE_CONTROL).or_insert(kept);
        }
    }
    for name in ["Authorization", "Cookie"] {
        add_vary(&mut headers, name);
    }
    *response.headers_mut() = headers;
    response
}

/// A refusal; of a range that is not there, with the length of what is.
fn refusal(asked: &Asked<'_>, status: &Status) -> Response {
    let mut response = asked.problem(status).into_response(asked.parts.version);
    let range = status.metadata().clone().into_headers().remove(header::CONTENT_RANGE);
    if let Some(range) = range.filter(|_| response.status() == StatusCode::RANGE_NOT_SATISFIABLE) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}

fn is_read(method: &Method) -> bool {
    [Method::GET, Method::HEAD].contains(method)
}
