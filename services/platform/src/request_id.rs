//! The request that is being served, wherever in it the code is.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, header::USER_AGENT};
use uuid::Uuid;

use crate::limits::Client;

/// The header and metadata key that carries a request id.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header and metadata key of W3C trace context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The metadata key that carries what the client calls itself past the gateway,
/// whose own `user-agent` it would be otherwise.
pub const X_CLIENT_USER_AGENT: HeaderName = HeaderName::from_static("x-client-user-agent");

/// Longer than what any browser calls itself.
const LONGEST_USER_AGENT: usize = 512;

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// What travels with a request from process to process.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The request's id.
    pub request_id: HeaderValue,
    /// The trace it belongs to.
    pub traceparent: Option<HeaderValue>,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// Where the client is.
    pub client: Option<Client>,
    /// What the client calls itself, which may be anything.
    pub user_agent: Option<HeaderValue>,
}

// === impl RequestContext ===

impl RequestContext {
    /// Takes over what the caller sent where it is well formed, and makes up
    /// the rest.
    pub fn read(headers: &HeaderMap) -> Self {
        let given = headers.get(X_REQUEST_ID).filter(|id| is_request_id(id)).cloned();
        let traceparent = headers.get(TRACEPARENT).filter(|value| is_traceparent(value)).cloned();
        let request_id = given.unwrap_or_else(make);
        let user_agent = headers.get(X_CLIENT_USER_AGENT).or_else(|| headers.get(USER_AGENT));
        let user_agent = user_agent.filter(|it| it.len() <= LONGEST_USER_AGENT).cloned();
        Self { request_id, traceparent, deadline: None, client: None, user_agent }
    }

    /// The request that the current task serves.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Serves a request: `current` finds it in everything that `work` does.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// The same for work that waits for nothing.
    pub fn sync_scope<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// The time that is left, if the caller set a limit.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The id as text.
    pub fn id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }

    /// The trace id inside `traceparent`.
    pub fn trace_id(&self) -> Option<&str> {
        self.traceparent.as_ref()?.to_str().ok()?.split('-').nth(1)
    }
}

fn make() -> HeaderValue {
    let id = Uuid::now_v7().to_string();
    HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("none"))
}

/// 8 to 64 letters, digits, `-`, `_` or `.`: anything else could forge log lines.
fn is_request_id(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (8..=64).contains(&bytes.len()) && bytes.iter().all(is_plain)
}

/// Version 00 of W3C Trace Context: `00-` 32 hex `-` 16 hex `-` 2 hex, ids not all zero.
fn is_traceparent(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    let parts: Vec<_> = text.split('-').collect();
    let [version, trace, span, flags] = parts.as_slice() else { return false };
    let is_hex = |part: &str, length: usize| {
        part.len() == length
            && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_set = |part: &str| part.bytes().any(|byte| byte != b'0');
    *version == "00"
        && is_hex(trace, 32)
        && is_set(trace)
        && is_hex(span, 16)
        && is_set(span)
        && is_hex(flags, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_ids_are_taken_over() {
        let read = |id: &'static str| {
            let headers = [(X_REQUEST_ID, HeaderValue::from_static(id))].into_iter().collect();
            RequestContext::read(&headers).id() == id
        };
        assert!(read("0197c5aa-bbcc-7000-8000-000000000000"));
        assert!(read("my.request_1"));
        for bad in ["short", "with space in it", "quote\"quote", &"x".repeat(65)] {
            assert!(!read(bad.to_owned().leak()), "{bad}");
        }
    }

    #[test]
    fn only_well_formed_traces_are_continued() {
        let read = |text: &'static str| {
            let headers = [(TRACEPARENT, HeaderValue::from_static(text))].into_iter().collect();
            RequestContext::read(&headers).trace_id().map(str::to_owned)
        };
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(read(good).as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        for bad in [
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
