//! Calls to services: bytes in, bytes out.
//!
//! Everything of tonic's client stays in this folder, so that another can replace
//! it. What it leaves to be done: a deadline over the whole call that says
//! `DEADLINE_EXCEEDED`, and telling a broken connection from a service's answer.

mod stream;

use std::{error::Error, sync::Arc, time::Duration};

use bytes::{Buf, BufMut, Bytes};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use platform::{
    Fatal,
    request_id::RequestContext,
    status::{self, Reason},
    upstream::{self, Address, DEFAULT_DEADLINE},
};
use tokio::time::{sleep, timeout};
use tonic::{
    Code, Extensions, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
    transport::Channel,
};

pub(crate) use self::stream::{Messages, Opened, Rest, rest};
use crate::route::{Rpc, Table};

/// A page of lists is some hundred KiB; what is larger is a mistake of ours.
const LARGEST_REPLY: usize = 16 * 1024 * 1024;
/// A supervisor starts a service again within this time, more often than not.
pub(crate) const BEFORE_SECOND_TRY: Duration = Duration::from_millis(150);

/// The services, by the beginning of their packages' names.
#[derive(Clone, Debug)]
pub(crate) struct Upstreams(Arc<[Service]>);

/// One service and the ways to it.
#[derive(Clone, Debug)]
struct Service {
    package: &'static str,
    calls: Channel,
    /// Streams have a connection of their own: a slow reader of one must not use
    /// up the window that calls share.
    streams: Channel,
}

/// What a service is asked.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    /// The method.
    pub(crate) rpc: &'a Rpc,
    /// What goes with the message: who asks, an idempotency key.
    pub(crate) metadata: HeaderMap,
    /// The message.
    pub(crate) message: Bytes,
}

/// What a service answered.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// The message.
    pub(crate) message: Bytes,
    /// What came with it.
    pub(crate) metadata: HeaderMap,
}

/// Moves messages as the bytes they already are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw;

// === impl Call ===

impl<'a> Call<'a> {
    /// A message without anything to go with it.
    pub(crate) fn new(rpc: &'a Rpc, message: Bytes) -> Self {
        Self { rpc, metadata: HeaderMap::new(), message }
    }

    /// The same, made by whoever holds a token.
    pub(crate) fn with(mut self, authorization: HeaderValue) -> Self {
        self.metadata.insert(AUTHORIZATION, authorization);
        self
    }
}

// === impl Upstreams ===

impl Upstreams {
    /// Prepares the connections; each is made when it is first needed.
    pub(crate) fn connect(services: &[(&'static str, Address)]) -> Self {
        let services = services.iter().map(|(package, address)| Service {
            package,
            calls: upstream::channel(address),
            streams: upstream::streaming_channel(address),
        });
        Self(services.collect())
    }

    /// Checks that every method of a table has a service.
    pub(crate) fn serve_all(&self, table: &Table) -> Result<(), Fatal> {
        let orphan =
            table.routes().chain(table.methods()).find(|route| self.service(&route.rpc).is_none());
        orphan.map_or(Ok(()), |route| {
            Err(Fatal::Contract(format!("no service is known for {}", route.rpc.path)))
        })
    }

    /// Calls a method. One that changes nothing is tried twice when its service
    /// cannot be reached.
    pub(crate) async fn call(&self, call: Call<'_>) -> Result<Answered, Status> {
        let Some(Service { calls: channel, .. }) = self.service(call.rpc) else {
            return Err(status::refuse(Reason::METHOD_UNKNOWN));
        };
        match once(channel, call.clone()).await {
            Err(status) if status.code() == Code::Unavailable && !call.rpc.has_side_effects => {
                sleep(BEFORE_SECOND_TRY).await;
                once(channel, call).await
            }
            answer => answer,
        }
    }

    fn service(&self, rpc: &Rpc) -> Option<&Service> {
        self.0.iter().find(|service| rpc.package().starts_with(service.package))
    }
}

/// Calls a method once.
async fn once(channel: &Channel, call: Call<'_>) -> Result<Answered, Status> {
    let Call { rpc, mut metadata, message } = call;
    let context =
        RequestContext::current().unwrap_or_else(|| RequestContext::read(&HeaderMap::new()));
    let allowed = context.remaining().unwrap_or(DEFAULT_DEADLINE);
    upstream::propagate(&context, &mut metadata);
    let metadata = MetadataMap::from_headers(metadata);
    let request = Request::from_parts(metadata, Extensions::default(), message);
    let mut client = Grpc::new(channel.clone()).max_decoding_message_size(LARGEST_REPLY);
    let answer = timeout(allowed, async {
        client.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
        client.unary(request, rpc.path.clone(), Raw).await
    });
    match answer.await {
        Ok(Ok(reply)) => {
            let (metadata, message, _) = reply.into_parts();
            Ok(Answered { message, metadata: metadata.into_headers() })
        }
        Ok(Err(status)) => Err(told_apart(status)),
        Err(_elapsed) => Err(status::refuse(Reason::DEADLINE_EXCEEDED)),
    }
}

/// A status has a source when no service sent it: the connection failed. tonic
/// gives those many codes, and CANCELLED to an expired deadline.
fn told_apart(status: Status) -> Status {
    if status.code() == Code::Cancelled && status.message() == "Timeout expired" {
        status::refuse(Reason::DEADLINE_EXCEEDED)
    } else if status.source().is_some() {
        status::unavailable(&status)
    } else {
        status
    }
}

// === impl Raw ===

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_connections_and_late_answers_are_told_from_refusals() {
        let mut broken = Status::new(Code::Unknown, "transport error");
        broken.set_source(Arc::new(std::io::Error::other("reset")));
        assert_eq!(told_apart(broken).code(), Code::Unavailable);
        let late = Status::cancelled("Timeout expired");
        assert_eq!(told_apart(late).code(), Code::DeadlineExceeded);
        let refused = status::refuse(Reason::NOT_FOUND);
        assert_eq!(told_apart(refused).code(), Code::NotFound);
    }
}
