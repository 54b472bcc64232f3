//! A gateway in front of services that are played by a closure.

use std::{
    convert::Infallible,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use platform::{
    limits::{Limits, Load, Shedder},
    request_id::RequestContext,
    server::{Stopping, spawn},
    upstream::Address,
};
use prost::Message;
use serde_json::Value;
use tonic::{
    Status,
    body::Body,
    server::{Grpc, NamedService},
    transport::{Server, server::TcpIncoming},
};
use tower::{Service, ServiceExt, service_fn};

use crate::{
    cache::Cache,
    call::{Raw, Upstreams},
    credentials::{Cookies, Credentials},
    limits::Guard,
    route::Table,
    serve::{Gateway, Making},
    stream::Streams,
};

/// A call that a service received.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The method: `GetPost`.
    pub(super) method: String,
    /// The token it was made with.
    pub(super) token: Option<String>,
    /// All its metadata.
    pub(super) metadata: HeaderMap,
    pub(super) message: Bytes,
}

/// What a client got.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) route: Option<String>,
    pub(super) body: Bytes,
}

type Play = dyn Fn(&Call) -> BoxFuture<'static, Result<Vec<u8>, Status>> + Send + Sync;

/// A gateway and the calls it made.
#[derive(Clone)]
pub(super) struct Rig {
    gateway: Gateway,
    calls: Arc<Mutex<Vec<Call>>>,
}

#[derive(Clone)]
struct Fake<const SERVICE: u8> {
    play: Arc<Play>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl NamedService for Fake<0> {
    const NAME: &'static str = "mainstay.auth.v1.UserService";
}
impl NamedService for Fake<1> {
    const NAME: &'static str = "mainstay.auth.v1.SessionService";
}
impl NamedService for Fake<2> {
    const NAME: &'static str = "mainstay.auth.v1.KeyService";
}
impl NamedService for Fake<3> {
    const NAME: &'static str = "mainstay.content.v1.PostService";
}

// === impl Call ===

impl Call {
    pub(super) fn decode<M: Message + Default>(&self) -> M {
        M::decode(self.message.clone()).unwrap()
    }
}

// === impl Got ===

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A header that is there once or not at all.
    pub(super) fn header(&self, name: &str) -> &str {
        assert!(self.headers.get_all(name).iter().count() <= 1, "twice: {self:?}");
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn cookies(&self) -> Vec<&str> {
        let cookies = self.headers.get_all(header::SET_COOKIE).iter();
        cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap()).collect()
    }

    /// Status and problem code.
    pub(super) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        (self.status.as_u16(), json["code"].as_str().unwrap().to_owned())
    }
}

// === impl Rig ===

impl Rig {
    /// Services that answer at once.
    pub(super) fn new<M: Message>(
        play: impl Fn(&Call) -> Result<M, Status> + Send + Sync + 'static,
    ) -> Self {
        Self::slow(move |call| {
            let answer = play(call).map(|reply| reply.encode_to_vec());
            Box::pin(async { answer })
        })
    }

    /// Services that take their time.
    pub(super) fn slow(
        play: impl Fn(&Call) -> BoxFuture<'static, Result<Vec<u8>, Status>> + Send + Sync + 'static,
    ) -> Self {
        Self::limited(Limits::off(), play)
    }

    /// Services that take their time behind a gateway with limits.
    pub(super) fn limited(
        limits: Limits,
        play: impl Fn(&Call) -> BoxFuture<'static, Result<Vec<u8>, Status>> + Send + Sync + 'static,
    ) -> Self {
        let play: Arc<Play> = Arc::new(play);
        let calls = Arc::default();
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = incoming.local_addr().unwrap();
        let server = Server::builder()
            .add_service(fake::<0>(&play, &calls))
            .add_service(fake::<1>(&play, &calls))
            .add_service(fake::<2>(&play, &calls))
            .add_service(fake::<3>(&play, &calls));
        drop(spawn(server.serve_with_incoming(incoming)));
        let address = format!("http://{address}").parse().unwrap();
        Self { gateway: gateway(&address, &address, limits), calls }
    }

    /// Services that cannot be reached.
    pub(super) fn unreachable() -> Self {
        // Nothing listens on the port that nobody may use.
        let nowhere = "http://127.0.0.1:1".parse().unwrap();
        Self { gateway: gateway(&nowhere, &nowhere, Limits::off()), calls: Arc::default() }
    }

    /// Sends a request with a line of method and target, headers and a body.
    pub(super) async fn send(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let (method, target) = line.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(target).header("host", "a.org");
        let request = headers.iter().fold(request, |request, (k, v)| request.header(*k, *v));
        let request = request.body(Full::from(body.to_owned())).unwrap();
        self.send_request(request).await
    }

    pub(super) async fn send_request(&self, request: Request<Full<Bytes>>) -> Got {
        let context = RequestContext::read(request.headers());
        let answer = context.scope(self.gateway.clone().oneshot(request)).await;
        let (parts, body) = answer.unwrap().into_parts();
        let route = parts.extensions.get::<platform::server::RouteTemplate>();
        Got {
            status: parts.status,
            route: route.map(|route| route.0.to_string()),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// The calls that the services received: the method, and the token if any.
    pub(super) fn calls(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        let text = |call: &Call| match &call.token {
            Some(token) => format!("{} {token}", call.method),
            None => call.method.clone(),
        };
        calls.iter().map(text).collect()
    }

    pub(super) fn gateway(&self) -> Gateway {
        self.gateway.clone()
    }

    pub(super) fn last_call(&self) -> Call {
        self.calls.lock().unwrap().last().unwrap().clone()
    }
}

fn gateway(auth: &Address, content: &Address, limits: Limits) -> Gateway {
    let table = Table::read(proto::DESCRIPTORS).unwrap();
    let shedder = || Shedder::new("tested", NonZeroUsize::new(1_000).unwrap(), Load::default());
    let services = [("mainstay.auth.", auth.clone()), ("mainstay.content.", content.clone())];
    let upstreams = Upstreams::connect(&services, shedder);
    upstreams.serve_all(&table).unwrap();
    let guard = Guard::new(upstreams.clone(), limits, None);
    let credentials = Credentials::new(Cookies::new(true), &table, upstreams).unwrap();
    let origins = "http://localhost:*".parse().unwrap();
    Gateway::new(Making {
        table,
        credentials,
        guard,
        trusted_origins: origins,
        cache: Cache::new(1024 * 1024),
        streams: Streams::new(Stopping::default()),
    })
}

// === impl Fake ===

fn fake<const SERVICE: u8>(play: &Arc<Play>, calls: &Arc<Mutex<Vec<Call>>>) -> Fake<SERVICE> {
    Fake { play: Arc::clone(play), calls: Arc::clone(calls) }
}

impl<const SERVICE: u8> Service<Request<Body>> for Fake<SERVICE> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
        let unary = service_fn(move |request: tonic::Request<Bytes>| {
            let (metadata, _, message) = request.into_parts();
            let metadata = metadata.into_headers();
            let token = metadata.get(header::AUTHORIZATION).map(|token| token.to_str().unwrap());
            let token = token.map(|token| token.replace("Bearer ", ""));
            let call = Call { method: method.clone(), token, metadata, message };
            this.calls.lock().unwrap().push(call.clone());
            let answer = (this.play)(&call);
            async { Ok(tonic::Response::new(Bytes::from(answer.await?))) }
        });
        Box::pin(async { Ok(Grpc::new(Raw).unary(unary, request).await) })
    }
}
