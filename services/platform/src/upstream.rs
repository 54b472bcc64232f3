//! Calls to another service: one multiplexed connection that reconnects, and
//! what travels with every call.

use std::{str::FromStr, time::Duration};

use http::{HeaderMap, Uri};
use tonic::{
    Request, Status,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use crate::request_id::{RequestContext, TRACEPARENT, X_REQUEST_ID};

/// A call that was given no deadline has this one.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// What one stream may hold that nobody has read yet.
const STREAM_WINDOW: u32 = 128 * 1024;
/// The most that HTTP/2 has.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// The address of a service, such as `http://localhost:50051`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address(Uri);

/// What is wrong with an address.
#[derive(Debug, thiserror::Error)]
#[error("must be an address such as http://localhost:50051")]
pub struct InvalidAddress;

/// A connection to a service.
pub type Upstream = InterceptedService<Channel, Propagate>;

/// Sends the request id, the trace and the remaining time along with each call.
#[derive(Clone, Copy, Debug)]
pub struct Propagate;

/// Prepares a connection; it is made when first needed and again after it broke.
pub fn connect(address: &Address) -> Upstream {
    InterceptedService::new(channel(address), Propagate)
}

/// The bare connection below [`connect`], for calls that build their own headers.
pub fn channel(address: &Address) -> Channel {
    endpoint(address).connect_lazy()
}

/// A connection for streams.
///
/// What a service has sent ahead of a slow reader is bounded stream by stream, and
/// no number of them can use up the window of the connection that all share.
pub fn streaming_channel(address: &Address) -> Channel {
    endpoint(address)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .connect_lazy()
}

fn endpoint(address: &Address) -> Endpoint {
    Endpoint::from(address.0.clone())
        .connect_timeout(CONNECT_TIMEOUT)
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
    let remaining = context.remaining().unwrap_or(DEFAULT_DEADLINE).as_millis();
    if let Ok(timeout) = format!("{remaining}m").parse() {
        headers.insert("grpc-timeout", timeout);
    }
}

// === impl Address ===

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
