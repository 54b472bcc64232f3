//! Unary Connect (<https://connectrpc.com/docs/protocol>): one message each way, and
//! errors as JSON under a status of HTTP.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value as Json, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    Response,
    wire::{self, Value},
};

const PROTO: HeaderValue = HeaderValue::from_static("application/proto");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer of one message.
pub(super) fn answer(message: Bytes, is_json: bool) -> Response {
    let mut response = Response::new(message.into());
    let media_type = if is_json { JSON } else { PROTO };
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}

/// A refusal.
pub(super) fn refusal(status: &Status) -> Response {
    let mut error = json!({"code": name(status.code()), "message": status.message()});
    let details: Vec<_> = details(status.details()).collect();
    if let (false, Some(error)) = (details.is_empty(), error.as_object_mut()) {
        error.insert("details".to_owned(), details.into());
    }
    let mut response = answer(error.to_string().into(), true);
    *response.status_mut() = http(status.code());
    if let Some(wait) = status.get_details_retry_info().and_then(|retry| retry.retry_delay) {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// The details of an encoded `google.rpc.Status`, each an `Any`.
fn details(status: &[u8]) -> impl Iterator<Item = Json> {
    const DETAILS: u32 = 3;
    const TYPE_URL: u32 = 1;
    const VALUE: u32 = 2;
    let fields = wire::fields(status).map_while(Result::ok);
    fields.filter(|field| field.number == DETAILS).filter_map(|field| {
        let Value::Bytes(any) = field.value else { return None };
        let url = str::from_utf8(wire::find(any, TYPE_URL)?).ok()?;
        let (_, name) = url.rsplit_once('/')?;
        let value = wire::find(any, VALUE).unwrap_or_default();
        Some(json!({"type": name, "value": STANDARD_NO_PAD.encode(value)}))
    })
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "canceled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

fn http(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            StatusCode::BAD_REQUEST
        }
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
    }
}
