//! The accept loop: HTTP/1.1 and HTTP/2 on one port, bounded in connections and
//! in patience, and ended gracefully or, in the end, at all.

use std::{convert::Infallible, error::Error, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{Service, ServiceExt as _};

use super::{patience::Patience, stop::Stop};
use crate::limits::Client;

const MAX_CONNECTIONS: usize = 10_000;
const FIRST_BYTES_WITHIN: Duration = Duration::from_secs(5);
const WRITES_WITHIN: Duration = Duration::from_secs(30);
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
const MAX_HEADER_BYTES: usize = 64 * 1024;
const MAX_HTTP2_HEADER_BYTES: u32 = 16 * 1024;
const MAX_STREAMS: u32 = 1_000;
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(50);

/// Who connects to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peers {
    /// Anybody: a client that cancels many streams is up to no good.
    Public,
    /// Services of ours. About 32 clients that leave at once cancel more streams
    /// than h2's default of 20, which then ends the connection that all share.
    Services,
}

/// Serves until `stop`, then lets running requests finish for as long as `drain`.
pub(super) async fn serve<S, B>(
    listeners: Vec<TcpListener>,
    service: S,
    peers: Peers,
    stop: Stop,
    drain: Duration,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let server = Server {
        builder: builder(peers),
        service,
        connections: TaskTracker::new(),
        room: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        graceful: GracefulShutdown::new(),
        kill: stop.at_once.clone(),
    };
    join_all(listeners.iter().map(|listener| server.accept(listener, &stop.graceful))).await;
    drop(listeners);
    let Server { connections, graceful, kill, .. } = server;
    let drained = stop.at_once.run_until_cancelled(timeout(drain, graceful.shutdown())).await;
    if !matches!(drained, Some(Ok(()))) {
        tracing::warn!(connections = connections.len(), "ending requests that did not finish");
    }
    kill.cancel();
    connections.close();
    connections.wait().await;
}

struct Server<S> {
    builder: Builder<TokioExecutor>,
    service: S,
    connections: TaskTracker,
    room: Arc<Semaphore>,
    graceful: GracefulShutdown,
    kill: CancellationToken,
}

// === impl Server ===

impl<S, B> Server<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    async fn accept(&self, listener: &TcpListener, stop: &CancellationToken) {
        while let Some(Ok(room)) =
            stop.run_until_cancelled(Arc::clone(&self.room).acquire_owned()).await
        {
            match stop.run_until_cancelled(listener.accept()).await {
                None => return,
                Some(Ok((stream, peer))) => self.serve(stream, peer.ip(), room),
                Some(Err(error)) => {
                    // Out of descriptors, mostly: wait for some to come free.
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(AFTER_FAILED_ACCEPT).await;
                }
            }
        }
    }

    fn serve(&self, stream: TcpStream, peer: IpAddr, room: OwnedSemaphorePermit) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection is gone already");
            return;
        }
        let stream = TokioIo::new(Patience::new(stream, FIRST_BYTES_WITHIN, WRITES_WITHIN));
        let service = self.service.clone().map_request(move |mut request: Request<_>| {
            request.extensions_mut().insert(Client::peer(peer));
            request
        });
        let service = TowerToHyperService::new(service);
        let connection = self.builder.serve_connection(stream, service).into_owned();
        let connection = self.graceful.watch(connection);
        let kill = self.kill.clone();
        self.connections.spawn(async move {
            if let Some(Err(error)) = kill.run_until_cancelled(connection).await {
                tracing::debug!(error, "connection failed");
            }
            drop(room);
        });
    }
}

fn builder(peers: Peers) -> Builder<TokioExecutor> {
    let pending_resets = match peers {
        Peers::Public => 20,
        Peers::Services => 4_096,
    };
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HTTP2_HEADER_BYTES)
        .max_pending_accept_reset_streams(pending_resets)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    builder
}
