//! The message in a request.

use std::time::Duration;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use http::{HeaderMap, header, request::Parts};
use platform::status::{self, Reason};
use tonic::Status;

use super::{Protocol, frames, secrets};
use crate::{
    credentials::Identity,
    percent,
    problem::Problem,
    route::Found,
    transcode::{self, Given},
};

/// Base64 for addresses, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads the message that a method is called with, its secrets included.
pub(super) fn read(
    protocol: Protocol,
    (parts, found): (&Parts, &Found<'_>),
    identity: &Identity,
    body: &Bytes,
) -> Result<Bytes, Box<Problem>> {
    let of_status = |status: Status| Problem::of_status(&status, |f| found.route.place_of(f));
    check_headers(&parts.headers).map_err(of_status)?;
    let message = match protocol {
        Protocol::GrpcWeb { is_text } => frames::only_message(body, is_text).map_err(of_status)?,
        Protocol::Connect { is_get: true, .. } => {
            asked(parts.uri.query().unwrap_or_default()).map_err(of_status)?
        }
        Protocol::Connect { .. } | Protocol::Grpc => body.clone(),
    };
    if matches!(protocol, Protocol::Connect { is_json: true, .. }) {
        let credential = |kind| identity.secret(kind);
        return transcode::request(
            found,
            Given { query: None, body: &message, credential: &credential },
        );
    }
    secrets::add(&found.route.rpc, identity, message).map_err(of_status)
}

fn check_headers(headers: &HeaderMap) -> Result<(), Status> {
    let is = |name: &str, wanted: &str| headers.get(name).is_none_or(|value| value == wanted);
    let malformed = |detail| Err(status::refuse_because(Reason::MALFORMED_REQUEST, detail));
    if !is("connect-protocol-version", "1") {
        return malformed("the only connect-protocol-version is 1");
    }
    if !is(header::CONTENT_ENCODING.as_str(), "identity") || !is("grpc-encoding", "identity") {
        return malformed("compressed messages are not understood; send them as they are");
    }
    Ok(())
}

/// The message in the query of a GET.
fn asked(query: &str) -> Result<Bytes, Status> {
    let malformed = |detail| status::refuse_because(Reason::MALFORMED_REQUEST, detail);
    let find = |name: &str| {
        let mut pairs = query.split('&').rev().filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    if find("compression").is_some_and(|coding| coding != "identity") {
        return Err(malformed("compressed messages are not understood; send them as they are"));
    }
    let message = percent::decode_query(find("message").unwrap_or_default());
    let message = message.ok_or_else(|| malformed("the message is not percent-encoded UTF-8"))?;
    if find("base64") != Some("1") {
        return Ok(message.into());
    }
    let decoded = BASE64.decode(message.replace(' ', "+"));
    decoded.map(Bytes::from).map_err(|_malformed| malformed("the message is not URL-safe base64"))
}

/// How long the caller waits, if it says so.
pub(super) fn patience(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let is_number = |text: &str| text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    let milliseconds = |text: &str| text.parse().ok().filter(|_| is_number(text));
    if let Some(timeout) = text("connect-timeout-ms") {
        return milliseconds(timeout).map(Duration::from_millis);
    }
    let timeout = text("grpc-timeout")?;
    let (number, unit) = timeout.split_at_checked(timeout.len().checked_sub(1)?)?;
    let number = milliseconds(number)?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}
