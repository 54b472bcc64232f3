//! Files that clients send: a body of any media type, or the one file of a form,
//! carried piece by piece to a method that takes a stream.
//!
//! Nothing is kept: the next piece is read when the service has taken the one
//! before. Half a file never looks like a whole one: the call breaks.

mod form;
mod media;
mod quota;
mod refused;
mod sink;
mod source;

use std::{pin::pin, sync::Arc, time::Duration};

use http::{HeaderMap, header};
use platform::status::{self, Reason};
use tokio::time::timeout;
use tonic::Code;

pub(crate) use self::{
    media::{Media, essence},
    quota::Quota,
    sink::whole,
};
use self::{refused::Refused, sink::Sink, source::Source};
use crate::{
    body::Incoming,
    call::{self, Answered},
    credentials::{Changes, Credentials},
    holder::Holder,
    limits::Guard,
    problem::Problem,
    route::File,
    serve::Asked,
    stream::Seats,
};

/// How long a service may think about a file that it has all of.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// No upload takes longer, however fast it is.
const LONGEST: Duration = Duration::from_hours(1);

/// Sends a file, and returns what the service answers.
pub(crate) async fn send(
    (guard, quota, seats): (&Guard, &Quota, &Seats),
    credentials: &Credentials,
    (asked, file): (&Asked<'_>, &File),
    body: &mut Incoming,
    changes: &mut Changes,
) -> Result<Answered, Box<Problem>> {
    let (headers, rpc) = (&asked.parts.headers, &asked.found.route.rpc);
    let media = Media::of(headers)?;
    let limit = rpc.max_upload_bytes;
    let declared = declared(headers);
    if declared.is_some_and(|declared| declared > limit) {
        return Err(Refused::TooLarge(limit).into());
    }
    let token = credentials.settle(rpc, asked.identity, changes).await;
    let token = token.map_err(|status| asked.problem(&status))?;
    // By whoever the token was verified to be of: bytes are sent before the service knows.
    let token_of_user = match &token {
        Some(token) if guard.is_good(token).await => Some(token),
        _ => None,
    };
    let holder = Holder::of(token_of_user, &asked.parts.extensions);
    let _seat =
        seats.take(holder.clone()).map_err(|reason| Problem::of(reason).end_connection())?;
    let account = quota.account(holder);
    account.has_room(declared.unwrap_or(0))?;

    let (rest, sending) = call::rest();
    let mut metadata = asked.metadata.clone();
    metadata.extend(token.map(|token| (header::AUTHORIZATION, token)));
    let mut answer = pin!(credentials.upstreams.send(Arc::clone(rpc), metadata, sending));
    let mut sink = Sink::new(&rest, file, asked.message.clone());
    let mut source = Source::new(body, limit, &account);
    let pumped = timeout(LONGEST, pump(&media, &mut source, &mut sink));
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        pumped = pumped => {
            pumped.unwrap_or(Err(Refused::TooSlow))?;
            let late = |_elapsed| Err(status::refuse(Reason::DEADLINE_EXCEEDED));
            timeout(ANSWER_WITHIN, answer).await.unwrap_or_else(late)
        }
    };
    match answer {
        Ok(answer) => Ok(answer),
        Err(status) => {
            credentials.note(&status, asked.identity, changes).await;
            // Bytes that were sent in somebody's name, but not by them, do not count.
            if status.code() == Code::Unauthenticated {
                account.give_back();
            }
            Err(asked.problem(&status).end_connection())
        }
    }
}

/// Sends all that there is; if nobody takes it, the answer says why.
async fn pump(media: &Media, source: &mut Source<'_>, sink: &mut Sink<'_>) -> Result<(), Refused> {
    match media {
        Media::File(media_type) => {
            while let Some(piece) = source.next().await? {
                sink.send(media_type, &piece).await?;
            }
            sink.end(media_type).await
        }
        Media::Form(boundary) => form::pump(boundary, source, sink).await,
    }
}

fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
