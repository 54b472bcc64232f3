//! gRPC for browsers: gRPC-Web and unary Connect, under the methods' own names.
//!
//! They go the way of REST: the same cookies become the same tokens, the same
//! secrets leave the messages, and the same checks come first. Only the messages
//! need no transcoding, unless they are JSON.

mod carrier;
mod connect;
mod frames;
mod message;
mod public;
mod secrets;
mod stream;

use http::{HeaderValue, Method, header, request::Parts};
use platform::status::Reason;
use tonic::Status;

pub(crate) use self::carrier::Carrier;
use crate::{
    Response,
    problem::Problem,
    route::{Found, Table},
};

const POST: HeaderValue = HeaderValue::from_static("OPTIONS, POST");
const GET_TOO: HeaderValue = HeaderValue::from_static("GET, OPTIONS, POST");

/// What a browser speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// gRPC-Web, as bytes or as base64.
    GrpcWeb { is_text: bool },
    /// Connect, one message each way.
    Connect { is_json: bool, is_get: bool },
    /// gRPC itself, which no browser speaks.
    Grpc,
}

/// A request in one of the protocols.
#[derive(Debug)]
pub(crate) struct Spoken<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) parts: &'a Parts,
    /// The method that it names, if there is one.
    pub(crate) found: Option<Found<'a>>,
}

// === impl Spoken ===

impl<'a> Spoken<'a> {
    /// Recognises a request in one of the protocols; a method that is called in none
    /// of them is a problem.
    pub(crate) fn read(parts: &'a Parts, table: &'a Table) -> Result<Option<Self>, Box<Problem>> {
        let found = table.method(parts.uri.path());
        let protocol = match parts.method {
            Method::POST => posted(parts, found.is_some())?,
            Method::GET => found.as_ref().and_then(|found| got(parts, found)),
            _ => None,
        };
        Ok(protocol.map(|protocol| Self { protocol, parts, found }))
    }

    /// A refusal as the protocol has it.
    pub(crate) fn refuse(&self, status: &Status) -> Response {
        let status = public::public(status);
        match self.protocol {
            Protocol::GrpcWeb { is_text } => frames::refusal(&status, is_text),
            Protocol::Connect { .. } => connect::refusal(&status),
            Protocol::Grpc => {
                let http = status.into_http::<()>();
                http.map(|()| crate::body::Outgoing::default())
            }
        }
    }
}

/// The HTTP methods that a method takes under its own name.
pub(crate) fn allowed(path: &str, table: &Table) -> Option<HeaderValue> {
    let found = table.method(path)?;
    Some(if found.route.rpc.has_side_effects { POST } else { GET_TOO })
}

fn posted(parts: &Parts, is_method: bool) -> Result<Option<Protocol>, Box<Problem>> {
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let media_type = crate::upload::essence(content_type).to_ascii_lowercase();
    let protocol = match &*media_type {
        "application/grpc-web" | "application/grpc-web+proto" => {
            Protocol::GrpcWeb { is_text: false }
        }
        "application/grpc-web-text" | "application/grpc-web-text+proto" => {
            Protocol::GrpcWeb { is_text: true }
        }
        "application/grpc" | "application/grpc+proto" => Protocol::Grpc,
        "application/proto" => Protocol::Connect { is_json: false, is_get: false },
        "application/json"
            if is_method || parts.headers.contains_key("connect-protocol-version") =>
        {
            Protocol::Connect { is_json: true, is_get: false }
        }
        _ if is_method => {
            let detail = "methods take application/grpc-web+proto, application/grpc-web-text, \
                          application/proto and application/json";
            return Err(Problem::of(Reason::UNSUPPORTED_MEDIA_TYPE).detail(detail));
        }
        _ => return Ok(None),
    };
    Ok(Some(protocol))
}

/// Connect asks for what changes nothing by GET, so that it can be kept.
fn got(parts: &Parts, found: &Found<'_>) -> Option<Protocol> {
    let query = parts.uri.query()?;
    let is_connect = query.split('&').any(|pair| pair == "connect=v1");
    let is_json = query.split('&').any(|pair| pair == "encoding=json");
    (is_connect && !found.route.rpc.has_side_effects)
        .then_some(Protocol::Connect { is_json, is_get: true })
}
