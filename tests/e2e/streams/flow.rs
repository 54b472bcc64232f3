//! A service with streams and files, and a gateway in front of it.

use platform::server::spawn;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    path::Path,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, future::BoxFuture, stream};
use http::{Request, Response};
use prost::Message;
use tempfile::TempDir;
use tests::Service;
use tokio::task::JoinHandle;
use tonic::{
    Status, Streaming,
    body::Body,
    server::{Grpc, NamedService, StreamingService},
    transport::{Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

/// Both processes' worth, and what the service saw.
pub(super) struct Flow {
    pub(super) gateway: Service,
    seen: Seen,
    server: JoinHandle<()>,
    _folder: TempDir,
}

#[derive(Clone, Default)]
struct Seen(Arc<[AtomicUsize; 3]>);

/// `google.api.HttpBody`, and close enough to every other message of the service.
#[derive(Clone, PartialEq, Eq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    text: String,
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
}

/// The answer to an upload.
#[derive(Clone, PartialEq, Eq, Message)]
struct Taken {
    #[prost(uint32, tag = "2")]
    size: u32,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Clone)]
struct FlowService(Seen);

impl NamedService for FlowService {
    const NAME: &'static str = "flow.v1.FlowService";
}

// === impl Flow ===

impl Flow {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let descriptors = folder.path().join("descriptors.bin");
        std::fs::write(&descriptors, compile()).unwrap();
        let seen = Seen::default();
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}", incoming.local_addr().unwrap());
        let server = Server::builder().add_service(FlowService(seen.clone()));
        let server = spawn(async { server.serve_with_incoming(incoming).await.unwrap() });
        let environment: BTreeMap<String, String> = [
            ("MAINSTAY_LISTEN", "localhost:0"),
            ("MAINSTAY_ADMIN_LISTEN", "localhost:0"),
            ("MAINSTAY_STOP_ON_STDIN_CLOSE", "true"),
            ("MAINSTAY_AUTH_URL", &*url),
            ("MAINSTAY_CONTENT_URL", &*url),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        let arguments = vec!["gateway-on".to_owned(), descriptors.to_str().unwrap().to_owned()];
        let gateway = Service::start_as("gateway", arguments, environment, folder.path()).await;
        Self { gateway, seen, server, _folder: folder }
    }

    /// Pieces that the service sent or got.
    pub(super) fn sent(&self) -> usize {
        self.seen.0[0].load(Ordering::SeqCst)
    }

    /// Calls that were left, or broke.
    pub(super) fn left(&self) -> usize {
        self.seen.0[1].load(Ordering::SeqCst)
    }

    /// Uploads that were complete.
    pub(super) fn complete(&self) -> usize {
        self.seen.0[2].load(Ordering::SeqCst)
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The contract that the gateway's own tests have.
fn compile() -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folders = [root.join("gateway/src/tests"), root.join("proto")];
    let mut compiler = protox::Compiler::new(folders).unwrap();
    compiler.include_imports(true).open_file("flow.proto").unwrap();
    compiler.encode_file_descriptor_set()
}

// === impl Seen ===

impl Seen {
    fn note(&self, what: usize) {
        self.0[what].fetch_add(1, Ordering::SeqCst);
    }
}

/// Notes that a call was left before its end.
struct Leaves(Seen);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.note(1);
    }
}

// === impl FlowService ===

impl FlowService {
    fn play(&self, name: &str) -> Answers<Any> {
        let seen = self.0.clone();
        let piece = |data: &[u8]| Ok(Any { text: "image/png".to_owned(), data: data.to_vec() });
        match name {
            "endless" => Box::pin(stream::repeat_with(move || {
                seen.note(0);
                Ok(Any { text: String::new(), data: vec![0; 64 * 1024] })
            })),
            "broken" => {
                let broken = Err(Status::data_loss("the disk is gone"));
                Box::pin(stream::iter([piece(b"half of it"), broken]))
            }
            "quiet" => {
                let leaves = Leaves(seen);
                Box::pin(stream::pending().map(move |never| {
                    let _held = &leaves;
                    never
                }))
            }
            short => Box::pin(stream::iter([piece(short.as_bytes())])),
        }
    }

    async fn take(self, mut pieces: Streaming<Any>) -> Result<Taken, Status> {
        let mut size = 0;
        loop {
            match pieces.message().await {
                Ok(Some(piece)) => size += piece.data.len(),
                Ok(None) => break,
                Err(status) => {
                    self.0.note(1);
                    return Err(status);
                }
            }
            self.0.note(0);
        }
        self.0.note(2);
        Ok(Taken { size: u32::try_from(size).unwrap() })
    }
}

struct Plays(FlowService);
struct Takes(FlowService);

impl StreamingService<Any> for Plays {
    type Response = Any;
    type ResponseStream = Answers<Any>;
    type Future = BoxFuture<'static, Result<tonic::Response<Answers<Any>>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Any>>) -> Self::Future {
        let service = self.0.clone();
        Box::pin(async move {
            let asked = request.into_inner().message().await?.unwrap_or_default();
            Ok(tonic::Response::new(service.play(&asked.text)))
        })
    }
}

impl StreamingService<Any> for Takes {
    type Response = Taken;
    type ResponseStream = Answers<Taken>;
    type Future = BoxFuture<'static, Result<tonic::Response<Answers<Taken>>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Any>>) -> Self::Future {
        let service = self.0.clone();
        Box::pin(async move {
            let taken = service.take(request.into_inner()).await?;
            let answers: Answers<Taken> = Box::pin(stream::iter([Ok(taken)]));
            Ok(tonic::Response::new(answers))
        })
    }
}

impl tonic::codegen::Service<Request<Body>> for FlowService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            Ok(if request.uri().path().ends_with("/Pour") {
                Grpc::new(ProstCodec::default()).streaming(Takes(service), request).await
            } else {
                Grpc::new(ProstCodec::default()).streaming(Plays(service), request).await
            })
        })
    }
}
