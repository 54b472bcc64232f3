//! A gateway in front of a real gRPC server whose one service streams.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use platform::{
    limits::{Limits, Load, Shedder},
    request_id::RequestContext,
    server::Stopping,
};
use serde_json::Value;
use tokio::time::timeout;
use tonic::Status;
use tower::ServiceExt;

use super::flow::{Flow, ServerThread, serve};
pub(super) use super::flow::{Heard, Said};
use crate::{
    body::Outgoing,
    cache::Cache,
    call::Upstreams,
    credentials::{Cookies, Credentials},
    fixture,
    limits::Guard,
    route::Table,
    serve::{Gateway, Making},
    stream::Streams,
};

pub(super) const CONTRACT: &str = include_str!("flow.proto");
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway, and the server behind it.
pub(super) struct Rig {
    gateway: Gateway,
    server: Option<ServerThread>,
}

/// A number that a test waits for.
#[derive(Clone, Debug, Default)]
pub(super) struct Count(pub(super) Arc<AtomicUsize>);

/// Counts when it is dropped.
pub(super) struct CountsDrop(pub(super) Count);

// === impl Count ===

impl Count {
    pub(super) fn add(&self, more: usize) -> usize {
        self.0.fetch_add(more, Ordering::SeqCst)
    }

    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(super) async fn reaches(&self, wanted: usize) {
        let waited = timeout(PATIENCE, async {
            while self.get() < wanted {
                tokio::task::yield_now().await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("{} of {wanted}", self.get()));
    }

    /// Waits until it does not grow any more.
    pub(super) async fn rests(&self) -> usize {
        loop {
            let before = self.get();
            tokio::time::sleep(Duration::from_millis(300)).await;
            if self.get() == before && before > 0 {
                return before;
            }
        }
    }
}

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.add(1);
    }
}

// === impl Rig ===

impl Rig {
    pub(super) fn new<F>(play: impl Fn(Heard) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Said, Status>> + Send + 'static,
    {
        let (server, address) = serve(Flow::new(play));
        let address = format!("http://{address}").parse().unwrap();
        let table = Table::read(&fixture::compile(CONTRACT)).unwrap();
        let shedder = || Shedder::new("tested", NonZeroUsize::new(1_000).unwrap(), Load::default());
        let upstreams = Upstreams::connect(&[("flow.", address)], shedder);
        upstreams.serve_all(&table).unwrap();
        let credentials = Credentials::new(Cookies::new(true), &table, upstreams.clone()).unwrap();
        let streams = Streams::new(Stopping::default());
        let guard = Guard::new(upstreams, Limits::off(), None);
        let trusted_origins = "http://a.org".parse().unwrap();
        let cache = Cache::new(0);
        let making = Making { table, credentials, guard, trusted_origins, cache, streams };
        let gateway = Gateway::new(making);
        Self { gateway, server: Some(server) }
    }

    /// Ends the server as a crash would.
    pub(super) fn crash(&mut self) {
        if let Some(server) = self.server.take() {
            server.end();
        }
    }

    /// The server, for whoever ends it at a moment of their own.
    pub(super) fn server(&mut self) -> Option<ServerThread> {
        self.server.take()
    }

    pub(super) fn request(line: &str) -> http::request::Builder {
        let (method, target) = line.split_once(' ').unwrap();
        Request::builder().method(method).uri(target).header("host", "a.org")
    }

    pub(super) async fn send(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Got {
        let request =
            headers.iter().fold(Self::request(line), |request, (k, v)| request.header(*k, *v));
        let body = Full::new(Bytes::copy_from_slice(body));
        self.open(request.body(body).unwrap()).await
    }

    /// Sends a request and waits for the beginning of the answer.
    pub(super) async fn open<B>(&self, request: Request<B>) -> Got
    where
        B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        let context = RequestContext::read(request.headers());
        let answer = context.scope(self.gateway.clone().oneshot(request));
        let (parts, body) = timeout(PATIENCE, answer).await.unwrap().unwrap().into_parts();
        Got { status: parts.status, headers: parts.headers, body }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.crash();
    }
}

/// The beginning of an answer, and what comes.
pub(super) struct Got {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Outgoing,
}

// === impl Got ===

impl Got {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn cookies(&self) -> Vec<&str> {
        let cookies = self.headers.get_all("set-cookie").iter();
        cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap()).collect()
    }

    /// The next piece; none at the end.
    pub(super) async fn piece(&mut self) -> Option<Result<Bytes, String>> {
        let frame = timeout(PATIENCE, self.body.frame()).await.unwrap()?;
        Some(frame.map(|frame| frame.into_data().unwrap()).map_err(|broken| broken.to_string()))
    }

    pub(super) async fn text(&mut self) -> String {
        let piece = self.piece().await.unwrap().unwrap();
        String::from_utf8(piece.to_vec()).unwrap()
    }

    /// Everything up to the end.
    pub(super) async fn bytes(&mut self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes)
    }

    pub(super) async fn json(&mut self) -> Value {
        serde_json::from_slice(&self.bytes().await.unwrap()).unwrap()
    }

    /// Status and problem code.
    pub(super) async fn problem(mut self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{:?}", self.headers);
        let code = self.json().await["code"].as_str().unwrap().to_owned();
        (self.status.as_u16(), code)
    }
}
