//! Calls that go on: replies one after another, or a request that is still being
//! sent while its answer may already come.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{HeaderMap, HeaderValue};
use platform::{
    request_id::RequestContext,
    server::spawn,
    status::{self, Reason},
    upstream::{self, DEFAULT_DEADLINE},
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::timeout,
};
use tonic::{
    Extensions, Request, Status, Streaming,
    client::Grpc,
    codec::{Codec, EncodeBuf, Encoder},
    metadata::MetadataMap,
    transport::Channel,
};
use tracing::{Instrument, Span};

use super::{Answered, Call, Failure, LARGEST_REPLY, Raw, Upstreams, balance::Backend};
use crate::route::Rpc;

/// No call goes on for longer; services are told, so that none outlives us.
const LONGEST: Duration = Duration::from_hours(1);
const LONGEST_SECONDS: HeaderValue = HeaderValue::from_static("3600S");
/// Messages that wait to be sent.
const WAITING: usize = 1;

/// A call that was answered and goes on.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What came before the first message.
    pub(crate) metadata: HeaderMap,
    /// What comes. Dropping it cancels the call.
    pub(crate) messages: Messages,
}

/// The messages of a reply.
#[derive(Debug)]
pub(crate) struct Messages(Streaming<Bytes>);

/// What is still to be sent of a request.
#[derive(Debug)]
pub(crate) struct Rest(Sender<Option<Bytes>>);

/// The end of [`Rest`] that a call takes from.
#[derive(Debug)]
pub(crate) struct Sending(Receiver<Option<Bytes>>);

/// A message of a request, or the news that there will be no more.
#[derive(Debug)]
enum Piece {
    Whole(Bytes),
    Broken,
}

/// Moves messages as the bytes they already are, as long as there are some.
#[derive(Clone, Copy, Debug)]
struct Pieces;

/// The two ends of a request that is sent message by message.
pub(crate) fn rest() -> (Rest, Sending) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Rest(sender), Sending(receiver))
}

// === impl Upstreams ===

impl Upstreams {
    /// Calls a method that answers with a stream, and again if that is safe and the
    /// service could not be reached.
    pub(crate) async fn open(&self, call: Call<'_>) -> Result<Opened, Status> {
        self.again(call, Backend::open).await
    }

    /// Calls a method with messages that are still to come, until its one answer.
    ///
    /// It is done by a task of its own, because a call that is dropped is cancelled,
    /// and tonic's servers take a cancelled request for a complete one. If the
    /// messages end too early, this one breaks instead, which nobody does.
    pub(crate) async fn send(
        &self,
        rpc: Arc<Rpc>,
        metadata: HeaderMap,
        rest: Sending,
    ) -> Result<Answered, Status> {
        let this = self.clone();
        let work = async move {
            let call = Call { rpc: &rpc, metadata, message: Bytes::new() };
            let opened = this.find(call.rpc)?.backend.begin(call, rest.into_messages()).await;
            only(opened.map_err(Failure::into_status)?).await
        };
        let late = |_elapsed| Err(status::refuse(Reason::DEADLINE_EXCEEDED));
        let work = async move { timeout(LONGEST, work).await.unwrap_or_else(late) };
        let work = work.instrument(Span::current());
        let task = match RequestContext::current() {
            Some(context) => spawn(context.scope(work)),
            None => spawn(work),
        };
        task.await.unwrap_or_else(|error| Err(status::internal(&error)))
    }
}

// === impl Backend ===

impl Backend {
    /// The first answer has the deadline of the request; what follows has not.
    async fn open(&self, call: Call<'_>) -> Result<Opened, Failure> {
        let remaining = RequestContext::current().and_then(|context| context.remaining());
        let message = stream::iter([Piece::Whole(call.message.clone())]);
        let answer = timeout(remaining.unwrap_or(DEFAULT_DEADLINE), self.begin(call, message));
        answer.await.unwrap_or_else(|_elapsed| Err(Failure::late()))
    }

    async fn begin<S>(&self, call: Call<'_>, messages: S) -> Result<Opened, Failure>
    where
        S: Stream<Item = Piece> + Send + 'static,
    {
        let lease = self.lease().await?;
        let answer = begin(lease.streams(), call, messages).await;
        lease.report(answer.as_ref().err());
        answer
    }
}

async fn begin<S>(channel: Channel, call: Call<'_>, messages: S) -> Result<Opened, Failure>
where
    S: Stream<Item = Piece> + Send + 'static,
{
    let Call { rpc, mut metadata, .. } = call;
    let context =
        RequestContext::current().unwrap_or_else(|| RequestContext::read(&HeaderMap::new()));
    upstream::propagate(&context, &mut metadata);
    metadata.insert("grpc-timeout", LONGEST_SECONDS);
    let metadata = MetadataMap::from_headers(metadata);
    let request = Request::from_parts(metadata, Extensions::default(), messages);
    let mut client = Grpc::new(channel).max_decoding_message_size(LARGEST_REPLY);
    let unready = |error: tonic::transport::Error| Status::from_error(Box::new(error));
    client.ready().await.map_err(|error| Failure::of(unready(error)))?;
    let answer = client.streaming(request, rpc.path.clone(), Pieces).await;
    let (metadata, messages, _) = answer.map_err(Failure::of)?.into_parts();
    Ok(Opened { metadata: metadata.into_headers(), messages: Messages(messages) })
}

/// The one message of an answer, once it is sure that it went well.
async fn only(opened: Opened) -> Result<Answered, Status> {
    let Opened { metadata, mut messages } = opened;
    let first = messages.next().await?;
    match (first, messages.next().await?) {
        (Some(message), None) => Ok(Answered { message, metadata }),
        _ => Err(status::refuse(Reason::INTERNAL)),
    }
}

// === impl Messages ===

impl Messages {
    /// The next message; none at the end. Nothing is lost if nobody waits for it
    /// any more.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        self.0.message().await.map_err(|status| Failure::of(status).into_status())
    }

    /// The next message, within a time.
    pub(crate) async fn next_within(&mut self, limit: Duration) -> Result<Option<Bytes>, Status> {
        let next = timeout(limit, self.next()).await;
        next.unwrap_or_else(|_elapsed| Err(status::refuse(Reason::DEADLINE_EXCEEDED)))
    }
}

// === impl Rest ===

impl Rest {
    /// Sends a message once there is room for it; false if nobody takes any more.
    pub(crate) async fn send(&self, message: Bytes) -> bool {
        self.0.send(Some(message)).await.is_ok()
    }

    /// Ends the request. One that is dropped without this breaks.
    pub(crate) async fn end(&self) {
        // If nobody takes any more, the answer says why.
        drop(self.0.send(None).await);
    }
}

// === impl Sending ===

impl Sending {
    /// The messages, and what breaks the call unless they are complete.
    fn into_messages(self) -> impl Stream<Item = Piece> + Send + 'static {
        stream::unfold(Some(self.0), |receiver| async {
            let mut receiver = receiver?;
            match receiver.recv().await {
                Some(Some(message)) => Some((Piece::Whole(message), Some(receiver))),
                Some(None) => None,
                None => Some((Piece::Broken, None)),
            }
        })
    }
}

// === impl Pieces ===

impl Codec for Pieces {
    type Encode = Piece;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Raw;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Pieces {
    type Item = Piece;
    type Error = Status;

    fn encode(&mut self, piece: Piece, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        match piece {
            Piece::Whole(message) => Raw.encode(message, buffer),
            Piece::Broken => Err(Status::aborted("the request is not complete")),
        }
    }
}
