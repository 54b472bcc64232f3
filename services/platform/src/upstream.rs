//! Calls to another service: one multiplexed connection that reconnects, and
//! what travels with every call.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use http::{HeaderMap, Uri};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tonic::{
    Request, Status,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tower::service_fn;

use crate::{
    limits::X_FORWARDED_FOR,
    request_id::{RequestContext, TRACEPARENT, X_REQUEST_ID},
};

/// A call that was given no deadline has this one.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

const DEFAULT_PORT: u16 = 80;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The address of a service, such as `http://localhost:50051`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address(Uri);

/// What is wrong with an address.
#[derive(Debug, thiserror::Error)]
#[error("must be an address such as http://localhost:50051")]
pub struct InvalidAddress;

/// A connection to a service.
pub type Upstream = InterceptedService<Channel, Propagate>;

/// Sends the request id, the trace, the client's address and the remaining time along with each call.
#[derive(Clone, Copy, Debug)]
pub struct Propagate;

/// Prepares a connection; it is made when first needed and again after it broke.
pub fn connect(address: &Address) -> Upstream {
    InterceptedService::new(channel(address), Propagate)
}

/// The bare connection below [`connect`], for calls that build their own headers.
pub fn channel(address: &Address) -> Channel {
    endpoint(address).connect_timeout(CONNECT_TIMEOUT).connect_lazy()
}

/// The same to one of the addresses that a name stands for. A connection that
/// cannot be made fails with [`tonic::ConnectError`], one that takes too long
/// included.
pub fn channel_to(address: &Address, socket: SocketAddr) -> Channel {
    endpoint(address).connect_with_connector_lazy(service_fn(move |_: Uri| async move {
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(socket)).await??;
        stream.set_nodelay(true)?;
        Ok::<_, io::Error>(TokioIo::new(stream))
    }))
}

fn endpoint(address: &Address) -> Endpoint {
    Endpoint::from(address.0.clone())
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
}

/// Writes what travels with a call into its headers.
pub fn propagate(context: &RequestContext, headers: &mut HeaderMap) {
    headers.insert(X_REQUEST_ID, context.request_id.clone());
    let traceparent = crate::telemetry::traceparent().or_else(|| context.traceparent.clone());
    if let Some(traceparent) = traceparent {
        headers.insert(TRACEPARENT, traceparent);
    }
    if let Some(client) = context.client.and_then(|it| it.address.to_string().parse().ok()) {
        headers.insert(X_FORWARDED_FOR, client);
    }
    let remaining = context.remaining().unwrap_or(DEFAULT_DEADLINE).as_millis();
    if let Ok(timeout) = format!("{remaining}m").parse() {
        headers.insert("grpc-timeout", timeout);
    }
}

// === impl Address ===

impl Address {
    /// Whether it is an address already, and no name that may move.
    pub fn is_literal(&self) -> bool {
        self.host().parse::<IpAddr>().is_ok()
    }

    /// Everywhere that its name stands for at the moment.
    pub async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let port = self.0.port_u16().unwrap_or(DEFAULT_PORT);
        let found = timeout(CONNECT_TIMEOUT, lookup_host((self.host(), port))).await??;
        let mut addresses: Vec<_> = found.collect();
        addresses.sort_unstable();
        addresses.dedup();
        Ok(addresses)
    }

    fn host(&self) -> &str {
        let host = self.0.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let uri: Uri = s.parse().map_err(|_malformed| InvalidAddress)?;
        let is_usable = uri.scheme_str() == Some("http") && uri.authority().is_some();
        if is_usable { Ok(Self(uri)) } else { Err(InvalidAddress) }
    }
}

// === impl Propagate ===

impl Interceptor for Propagate {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let Some(context) = RequestContext::current() else { return Ok(request) };
        let (metadata, extensions, ()) = request.into_parts();
        let mut headers = metadata.into_headers();
        propagate(&context, &mut headers);
        let extended = tonic::metadata::MetadataMap::from_headers(headers);
        Ok(Request::from_parts(extended, extensions, ()))
    }
}
