//! Calls to another service: one multiplexed connection that reconnects, and
//! what travels with every call.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Uri};
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
use tower::{Service as _, service_fn};

use crate::{
    config::Reader,
    limits::X_FORWARDED_FOR,
    request_id::{RequestContext, TRACEPARENT, X_CLIENT_USER_AGENT, X_REQUEST_ID},
    tls,
};

/// A call that was given no deadline has this one.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// What one stream may hold that nobody has read yet.
const STREAM_WINDOW: u32 = 128 * 1024;
/// The most that HTTP/2 has.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// The address of a service, such as `http://localhost:50051`, and how to speak TLS
/// to it if it begins with `https`.
#[derive(Clone, Debug, Default)]
pub struct Address {
    uri: Uri,
    tls: Option<tls::Connect>,
}

/// What a setting says, before it is known how to speak TLS.
#[derive(Default)]
struct Parsed(Uri);

/// What is wrong with an address.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAddress {
    /// It is no address at all.
    #[error("must be an address such as http://localhost:50051 or https://auth.internal:50051")]
    Malformed,
    /// Only [`read`] knows whom to trust.
    #[error("needs certificates")]
    NeedsTls,
}

/// A connection to a service.
pub type Upstream = InterceptedService<Channel, Propagate>;

/// Sends the request id, the trace, the client's address and the remaining time along with each call.
#[derive(Clone, Copy, Debug)]
pub struct Propagate;

/// Prepares a connection; it is made when first needed and again after it broke.
pub fn connect(address: &Address) -> Upstream {
    InterceptedService::new(channel(address), Propagate)
}

/// The same for streams: see [`streaming_channel_to`].
pub fn connect_streaming(address: &Address) -> Upstream {
    InterceptedService::new(tuned_channel(address, streaming_endpoint), Propagate)
}

/// The bare connection below [`connect`], for calls that build their own headers.
pub fn channel(address: &Address) -> Channel {
    tuned_channel(address, endpoint)
}

/// The same to one of the addresses that a name stands for. A connection that
/// cannot be made fails with [`tonic::ConnectError`], one that takes too long
/// included.
pub fn channel_to(address: &Address, socket: SocketAddr) -> Channel {
    tuned_channel_to(address, socket, endpoint)
}

/// The same for streams.
///
/// What a service has sent ahead of a slow reader is bounded stream by stream, and
/// no number of them can use up the window of the connection that all share.
pub fn streaming_channel_to(address: &Address, socket: SocketAddr) -> Channel {
    tuned_channel_to(address, socket, streaming_endpoint)
}

fn tuned_channel(address: &Address, endpoint: impl Fn(Uri) -> Endpoint) -> Channel {
    let Some(tls) = &address.tls else {
        return endpoint(address.uri.clone()).connect_timeout(CONNECT_TIMEOUT).connect_lazy();
    };
    secure_channel(address, tls.clone(), endpoint)
}

fn tuned_channel_to(
    address: &Address,
    socket: SocketAddr,
    endpoint: impl Fn(Uri) -> Endpoint,
) -> Channel {
    if let Some(tls) = &address.tls {
        return secure_channel(address, tls.at(socket), endpoint);
    }
    endpoint(address.uri.clone()).connect_with_connector_lazy(service_fn(
        move |_: Uri| async move {
            let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(socket)).await??;
            stream.set_nodelay(true)?;
            Ok::<_, io::Error>(TokioIo::new(stream))
        },
    ))
}

fn secure_channel(
    address: &Address,
    tls: tls::Connect,
    endpoint: impl Fn(Uri) -> Endpoint,
) -> Channel {
    tls.follow();
    // tonic takes an address with https for a wish that it should do TLS itself.
    let endpoint = endpoint(tls.target().clone()).origin(address.uri.clone());
    endpoint.connect_with_connector_lazy(service_fn(move |uri: Uri| {
        let mut tls = tls.clone();
        async move { timeout(CONNECT_TIMEOUT, tls.call(uri)).await? }
    }))
}

fn endpoint(uri: Uri) -> Endpoint {
    Endpoint::from(uri)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
}

fn streaming_endpoint(uri: Uri) -> Endpoint {
    endpoint(uri)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
}

/// Reads the settings that hold addresses, and `MAINSTAY_UPSTREAM_*` for those that
/// begin with `https`.
pub fn read<const N: usize>(reader: &mut Reader, settings: [&str; N]) -> [Address; N] {
    let addresses = settings.map(|setting| (setting, reader.required::<Parsed>(setting).0));
    let is_secure = |uri: &Uri| uri.scheme_str() == Some("https");
    let client = if addresses.iter().any(|(_, uri)| is_secure(uri)) {
        tls::Client::read(reader)
    } else {
        // One that is missing or malformed might have been https.
        let is_plain = addresses.iter().all(|(_, uri)| uri.scheme().is_some());
        if let Some(set) = tls::Client::is_set(reader).filter(|_| is_plain) {
            let settings = settings.join(" or ");
            reader.problem(format!("{set} is set, and no address in {settings} is https"));
        }
        None
    };
    addresses.map(|(setting, uri)| {
        let client = client.as_ref().filter(|_| is_secure(&uri));
        let tls = client.and_then(|client| {
            let connect = tls::Connect::new(client, &uri);
            if connect.is_none() {
                reader.problem(format!("{setting}: no certificate can be for this host"));
            }
            connect
        });
        Address { uri, tls }
    })
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
    // An empty one says that there was none: ours is not the client's.
    let user_agent = context.user_agent.clone().unwrap_or(HeaderValue::from_static(""));
    headers.insert(X_CLIENT_USER_AGENT, user_agent);
    // gRPC has room for eight digits.
    let remaining = context.remaining().unwrap_or(DEFAULT_DEADLINE).as_millis().min(99_999_999);
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
        let usual = if self.tls.is_some() { 443 } else { 80 };
        let port = self.uri.port_u16().unwrap_or(usual);
        let found = timeout(CONNECT_TIMEOUT, lookup_host((self.host(), port))).await??;
        let mut addresses: Vec<_> = found.collect();
        addresses.sort_unstable();
        addresses.dedup();
        Ok(addresses)
    }

    fn host(&self) -> &str {
        let host = self.uri.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    /// An address without TLS.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let Parsed(uri) = s.parse()?;
        if uri.scheme_str() == Some("https") {
            return Err(InvalidAddress::NeedsTls);
        }
        Ok(Self { uri, tls: None })
    }
}

impl FromStr for Parsed {
    type Err = InvalidAddress;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let uri: Uri = s.parse().map_err(|_malformed| InvalidAddress::Malformed)?;
        let has_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        if has_scheme && uri.authority().is_some() {
            Ok(Self(uri))
        } else {
            Err(InvalidAddress::Malformed)
        }
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
