//! Calls that go on: replies one after another, or a request that is still being
//! sent while its answer may already come.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderValue};
use platform::{
    request_id::RequestContext,
    status::{self, Reason},
    upstream::{self, DEFAULT_DEADLINE},
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::{sleep, timeout},
};
use tonic::{
    Code, Extensions, Request, Status, Streaming, client::Grpc, metadata::MetadataMap,
    transport::Channel,
};

use super::{BEFORE_SECOND_TRY, Call, LARGEST_REPLY, Raw, Upstreams, told_apart};

/// No call goes on for longer; services are told, so that none outlives us.
const LONGEST: HeaderValue = HeaderValue::from_static("3600S");
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

/// The two ends of a request that is sent message by message.
pub(crate) fn rest() -> (Rest, Sending) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Rest(sender), Sending(receiver))
}

// === impl Upstreams ===

impl Upstreams {
    /// Calls a method that answers with a stream. One that changes nothing is
    /// tried twice when its service cannot be reached.
    pub(crate) async fn open(&self, call: Call<'_>) -> Result<Opened, Status> {
        match self.open_once(call.clone()).await {
            Err(status) if status.code() == Code::Unavailable && !call.rpc.has_side_effects => {
                sleep(BEFORE_SECOND_TRY).await;
                self.open_once(call).await
            }
            answer => answer,
        }
    }

    /// The first answer has the deadline of the request; what follows has not.
    async fn open_once(&self, call: Call<'_>) -> Result<Opened, Status> {
        let remaining = RequestContext::current().and_then(|context| context.remaining());
        let message = stream::iter([call.message.clone()]);
        let answer = timeout(remaining.unwrap_or(DEFAULT_DEADLINE), self.begin(call, message));
        answer.await.unwrap_or_else(|_elapsed| Err(status::refuse(Reason::DEADLINE_EXCEEDED)))
    }

    /// Calls a method with a message and what follows it. It has all the time
    /// that its caller gives it.
    pub(crate) async fn send(&self, call: Call<'_>, rest: Sending) -> Result<Opened, Status> {
        let first = stream::iter([call.message.clone()]);
        self.begin(call, first.chain(rest.into_messages())).await
    }

    async fn begin<S>(&self, call: Call<'_>, messages: S) -> Result<Opened, Status>
    where
        S: Stream<Item = Bytes> + Send + 'static,
    {
        let Call { rpc, mut metadata, .. } = call;
        let service = self.service(rpc);
        let service = service.ok_or_else(|| status::refuse(Reason::METHOD_UNKNOWN))?;
        let context =
            RequestContext::current().unwrap_or_else(|| RequestContext::read(&HeaderMap::new()));
        upstream::propagate(&context, &mut metadata);
        metadata.insert("grpc-timeout", LONGEST);
        let metadata = MetadataMap::from_headers(metadata);
        let request = Request::from_parts(metadata, Extensions::default(), messages);
        let mut client = client(&service.streams);
        client.ready().await.map_err(|error| told_apart(Status::from_error(Box::new(error))))?;
        let answer = client.streaming(request, rpc.path.clone(), Raw).await;
        let (metadata, messages, _) = answer.map_err(told_apart)?.into_parts();
        Ok(Opened { metadata: metadata.into_headers(), messages: Messages(messages) })
    }
}

fn client(channel: &Channel) -> Grpc<Channel> {
    Grpc::new(channel.clone()).max_decoding_message_size(LARGEST_REPLY)
}

// === impl Messages ===

impl Messages {
    /// The next message; none at the end. Nothing is lost if nobody waits for it
    /// any more.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        self.0.message().await.map_err(told_apart)
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

    /// Ends the request. One that is dropped without this is never complete.
    pub(crate) async fn end(&self) {
        // If nobody takes any more, the answer says why.
        drop(self.0.send(None).await);
    }
}

// === impl Sending ===

impl Sending {
    /// The messages. Half a request must not look like a whole one: unless told
    /// that it is complete, this waits until the call is dropped.
    fn into_messages(self) -> impl Stream<Item = Bytes> + Send + 'static {
        stream::unfold(self, |mut this| async {
            match this.0.recv().await {
                Some(Some(message)) => Some((message, this)),
                Some(None) => None,
                None => std::future::pending().await,
            }
        })
    }
}
