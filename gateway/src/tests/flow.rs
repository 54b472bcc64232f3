//! The server behind the gateway, played by a closure.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
    thread,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, future::BoxFuture, stream, stream::BoxStream};
use http::{HeaderMap, Request, Response};
use prost::Message;
use tokio::{runtime::Builder, sync::oneshot};
use tonic::{
    Status, Streaming,
    body::Body,
    metadata::MetadataMap,
    server::{Grpc, NamedService, StreamingService},
    transport::{Server, server::TcpIncoming},
};
use tower::Service;

use crate::call::Raw;

/// What a service was asked.
pub(super) struct Heard {
    pub(super) method: String,
    pub(super) metadata: HeaderMap,
    pub(super) messages: Streaming<Bytes>,
}

/// What a service answers.
pub(super) struct Said {
    pub(super) metadata: HeaderMap,
    pub(super) messages: BoxStream<'static, Result<Bytes, Status>>,
}

type Play = dyn Fn(Heard) -> BoxFuture<'static, Result<Said, Status>> + Send + Sync;

/// A server on a thread of its own: it ends as a process does, connections and all.
pub(super) struct ServerThread {
    end: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

#[derive(Clone)]
pub(super) struct Flow(Arc<Play>);

impl NamedService for Flow {
    const NAME: &'static str = "flow.v1.FlowService";
}

// === impl Heard ===

impl Heard {
    /// The only message, or the first.
    pub(super) async fn message<M: Message + Default>(&mut self) -> M {
        let message = self.messages.message().await.unwrap().unwrap();
        M::decode(message).unwrap()
    }
}

// === impl Said ===

impl Said {
    pub(super) fn one(message: &impl Message) -> Result<Self, Status> {
        Self::all([message.encode_to_vec()])
    }

    pub(super) fn all(messages: impl IntoIterator<Item = Vec<u8>>) -> Result<Self, Status> {
        let messages: Vec<_> = messages.into_iter().map(|message| Ok(message.into())).collect();
        Self::stream(stream::iter(messages))
    }

    #[expect(clippy::unnecessary_wraps, reason = "the end of what a service does")]
    pub(super) fn stream(
        messages: impl Stream<Item = Result<Bytes, Status>> + Send + 'static,
    ) -> Result<Self, Status> {
        Ok(Self { metadata: HeaderMap::new(), messages: messages.boxed() })
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.metadata.insert(name, value.parse().unwrap());
        self
    }
}

// === impl ServerThread ===

impl ServerThread {
    pub(super) fn end(self) {
        self.end.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

pub(super) fn serve(flow: Flow) -> (ServerThread, SocketAddr) {
    let (end, ended) = oneshot::channel();
    let (told, address) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            told.send(incoming.local_addr().unwrap()).unwrap();
            let server = Server::builder().add_service(flow).serve_with_incoming(incoming);
            tokio::select! { served = server => served.unwrap(), ended = ended => ended.unwrap() }
        });
    });
    (ServerThread { end, thread }, address.recv().unwrap())
}

// === impl Flow ===

impl Flow {
    pub(super) fn new<F>(play: impl Fn(Heard) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Said, Status>> + Send + 'static,
    {
        Self(Arc::new(move |heard| Box::pin(play(heard))))
    }
}

impl Service<Request<Body>> for Flow {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
        let player = Player { method, flow: self.clone() };
        Box::pin(async move { Ok(Grpc::new(Raw).streaming(player, request).await) })
    }
}

struct Player {
    method: String,
    flow: Flow,
}

impl StreamingService<Bytes> for Player {
    type Response = Bytes;
    type ResponseStream = BoxStream<'static, Result<Bytes, Status>>;
    type Future = BoxFuture<'static, Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Bytes>>) -> Self::Future {
        let (metadata, _, messages) = request.into_parts();
        let heard =
            Heard { method: self.method.clone(), metadata: metadata.into_headers(), messages };
        let said = (self.flow.0)(heard);
        Box::pin(async {
            let Said { metadata, messages } = said.await?;
            let mut response = tonic::Response::new(messages);
            *response.metadata_mut() = MetadataMap::from_headers(metadata);
            Ok(response)
        })
    }
}
