//! The accept loop: HTTP/1.1 and HTTP/2 on one port, bounded in connections and
//! in patience, and ended gracefully or, in the end, at all.

use std::{
    convert::Infallible,
    error::Error,
    hash::{BuildHasher, RandomState},
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::{Builder, Connection},
};
use opentelemetry::{KeyValue, metrics::Counter};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, interval_at, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{Service, ServiceExt as _};

use super::{
    guard::{
        Addresses, Attended, EVERY, EVERY_AT_THE_END, Guard, Judge, Paced, Patience, Place,
        Verdict, Watch,
    },
    stop::Stop,
};
use crate::{
    limits::Client,
    telemetry::{ERROR_TYPE, SERVER_CONNECTIONS_ENDED},
    tls::{Acceptor, Stream},
};

const MAX_CONNECTIONS: usize = 10_000;
const MAX_HEADER_BYTES: usize = 64 * 1024;
const MAX_HTTP2_HEADER_BYTES: u32 = 16 * 1024;
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(50);

/// Where a process listens, whether it speaks TLS there, and how many connections
/// an address may have.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) listeners: Vec<TcpListener>,
    pub(super) tls: Option<Acceptor>,
    pub(super) addresses: Addresses,
}

/// Who connects to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peers {
    /// Anybody: a client that cancels many streams is up to no good.
    Public,
    /// Services of ours. About 32 clients that leave at once cancel more streams
    /// than h2's default of 20, which then ends the connection that all share.
    Services,
}

/// What comes in on a port.
pub(super) type Asked = Request<Paced<Incoming>>;

/// Serves until `stop`, then lets running requests finish for as long as `drain`.
pub(super) async fn serve<S, B>(port: Port, service: S, peers: Peers, stop: Stop, drain: Duration)
where
    S: Service<Asked, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static,
{
    let Port { listeners, tls, addresses } = port;
    let meter = opentelemetry::global::meter("mainstay");
    let server = Server {
        tls,
        builder: builder(peers),
        service,
        patience: peers.patience(),
        addresses,
        connections: TaskTracker::new(),
        room: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        stop: stop.clone(),
        ended: meter.u64_counter(SERVER_CONNECTIONS_ENDED).build(),
        spread: RandomState::new(),
    };
    join_all(listeners.iter().map(|listener| server.accept(listener))).await;
    drop(listeners);
    let Server { connections, .. } = server;
    connections.close();
    let drained = stop.at_once.run_until_cancelled(timeout(drain, connections.wait())).await;
    if !matches!(drained, Some(Ok(()))) {
        tracing::warn!(connections = connections.len(), "ending requests that did not finish");
    }
    stop.at_once.cancel();
    connections.wait().await;
}

struct Server<S> {
    tls: Option<Acceptor>,
    builder: Builder<TokioExecutor>,
    service: S,
    patience: Patience,
    addresses: Addresses,
    connections: TaskTracker,
    room: Arc<Semaphore>,
    stop: Stop,
    ended: Counter<u64>,
    spread: RandomState,
}

// === impl Port ===

impl Port {
    /// A port with the usual limits and without TLS.
    pub(super) fn plain(listeners: Vec<TcpListener>) -> Self {
        Self { listeners, tls: None, addresses: Addresses::new(None) }
    }

    /// The number that all its addresses have.
    pub(super) fn number(&self) -> u16 {
        let address = self.listeners.first().and_then(|listener| listener.local_addr().ok());
        address.map_or(0, |address| address.port())
    }
}

// === impl Peers ===

impl Peers {
    fn patience(self) -> Patience {
        match self {
            Self::Public => Patience::PUBLIC,
            Self::Services => Patience::SERVICES,
        }
    }

    fn pending_resets(self) -> usize {
        match self {
            Self::Public => 20,
            Self::Services => 4_096,
        }
    }

    fn streams(self) -> u32 {
        match self {
            Self::Public => 100,
            Self::Services => 1_000,
        }
    }
}

// === impl Server ===

impl<S, B> Server<S>
where
    S: Service<Asked, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static,
{
    async fn accept(&self, listener: &TcpListener) {
        let stop = &self.stop.graceful;
        while let Some(Ok(room)) =
            stop.run_until_cancelled(Arc::clone(&self.room).acquire_owned()).await
        {
            match stop.run_until_cancelled(listener.accept()).await {
                None => return,
                Some(Ok((stream, peer))) => self.admit(stream, peer, room),
                Some(Err(error)) => {
                    // Out of descriptors, mostly: wait for some to come free.
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(AFTER_FAILED_ACCEPT).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr, room: OwnedSemaphorePermit) {
        let Some(place) = self.addresses.enter(peer.ip()) else {
            self.ended.add(1, &[KeyValue::new(ERROR_TYPE, "too_many_from_address")]);
            tracing::debug!(%peer, "an address has too many connections");
            return;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection is gone already");
            return;
        }
        self.serve(stream, peer, (room, place));
    }

    /// Serves a connection that has been admitted. From the socket up: TLS, with a
    /// limit of its own; the guard; HTTP.
    fn serve(&self, stream: TcpStream, peer: SocketAddr, place: (OwnedSemaphorePermit, Place)) {
        let (tls, builder, service) =
            (self.tls.clone(), self.builder.clone(), self.service.clone());
        let [spread, ..] = self.spread.hash_one(peer).to_be_bytes();
        let (patience, stop, ended) = (self.patience, self.stop.clone(), self.ended.clone());
        let graceful = stop.graceful.clone();
        let served = async move {
            let stream = Stream::begin(stream, tls.as_ref()).await?;
            let watch = Watch::start();
            let judge = Judge::new(Arc::clone(&watch), patience, spread);
            let stream = TokioIo::new(Guard::new(stream, Arc::clone(&watch), patience));
            let client = Client::peer(peer.ip());
            let service = service.map_request(move |mut request: Asked| {
                request.extensions_mut().insert(client);
                request
            });
            let service = Attended { service, watch, patience };
            let connection = builder.serve_connection(stream, service).into_owned();
            attend(connection, judge, &graceful).await
        };
        self.connections.spawn(async move {
            if let Some(Some(reason)) = stop.at_once.run_until_cancelled(served).await {
                ended.add(1, &[KeyValue::new(ERROR_TYPE, reason)]);
                tracing::debug!(reason, "ended a connection");
            }
            drop(place);
        });
    }
}

/// Sees a connection to its end; returns why, unless the client ended it.
async fn attend<I, S, B>(
    connection: Connection<'static, I, Attended<S>, TokioExecutor>,
    mut judge: Judge,
    stop: &CancellationToken,
) -> Option<&'static str>
where
    S: Service<Asked, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static,
{
    let (mut connection, mut stopped) = (pin!(connection), pin!(stop.cancelled()));
    let mut is_stopped = false;
    let mut look = interval_at(Instant::now() + EVERY, EVERY);
    loop {
        tokio::select! {
            biased;
            done = connection.as_mut() => {
                if let Err(error) = done {
                    tracing::debug!(error, "connection failed");
                }
                return judge.has_seen_a_flood().then_some("flood");
            }
            () = stopped.as_mut(), if !is_stopped => {
                is_stopped = true;
                judge.finish();
                connection.as_mut().graceful_shutdown();
                look = interval_at(Instant::now() + EVERY_AT_THE_END, EVERY_AT_THE_END);
            }
            _ = look.tick() => match judge.judge() {
                Verdict::Fine => {}
                Verdict::Finish => connection.as_mut().graceful_shutdown(),
                Verdict::Close(reason) => return Some(reason),
            },
        }
    }
}

fn builder(peers: Peers) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // Heads of HTTP/1 arrive whole: the guard holds them back until they are.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(peers.streams())
        .max_header_list_size(MAX_HTTP2_HEADER_BYTES)
        .max_pending_accept_reset_streams(peers.pending_resets())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    builder
}
