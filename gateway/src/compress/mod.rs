//! Answers made smaller, where that pays (RFC 9110, section 8.4).
//!
//! What guesses secrets from the length of an answer (BREACH) needs a secret in
//! its body beside something of the attacker's. There are none: tokens are in
//! cookies, and a page token gives no right. Streams are not compressed: each of
//! their events would have to wait for others.

mod coding;

use std::num::NonZero;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use platform::server::blocking;
use tokio::sync::Semaphore;

pub(crate) use self::coding::Coding;
use self::coding::Effort;
use crate::Response;

/// Below it an answer takes one packet, compressed or not.
const SMALLEST: usize = 1024;
/// More than this would hold up the runtime for longer than 500 µs: the slowest
/// coding takes 300 µs for a page of 33 KB.
const AT_ONCE: usize = 48 * 1024;
/// Thorough work takes 1.5 ms for the same page.
const THOROUGH_AT_ONCE: usize = 8 * 1024;

/// Threads for large bodies: as many as there are processors.
#[derive(Debug)]
pub(crate) struct Compressor(Semaphore);

// === impl Compressor ===

impl Compressor {
    pub(crate) fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self(Semaphore::new(threads))
    }

    /// Compresses the body of an answer if its reader takes that. With no thread
    /// free a large one stays as it is: it is the processor that is short then.
    pub(crate) async fn complete(&self, asked: &HeaderMap, response: &mut Response) {
        if !is_text(response.headers()) {
            return;
        }
        add_vary(response.headers_mut(), "Accept-Encoding");
        let Some(body) = compressible(response) else { return };
        let Some(coding) = Coding::chosen(asked) else { return };
        if let Some(smaller) = self.at_once(coding, body).await {
            let tag = response.headers().get(header::ETAG).and_then(|tag| coding.named(tag));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
            // It was that of the plain body, and nobody can ask for a part of this one.
            headers.remove(header::CONTENT_LENGTH);
            headers.remove(header::ACCEPT_RANGES);
            if let Some(tag) = tag {
                headers.insert(header::ETAG, tag);
            }
            *response.body_mut() = smaller.into();
        }
    }

    /// Compresses for one reader: quickly.
    async fn at_once(&self, coding: Coding, body: Bytes) -> Option<Bytes> {
        if body.len() <= AT_ONCE {
            return coding.compress(&body, Effort::Quick);
        }
        let _thread = self.0.try_acquire().ok()?;
        away(coding, body, Effort::Quick).await
    }

    /// Compresses for many readers: well.
    pub(crate) async fn thoroughly(&self, coding: Coding, body: Bytes) -> Option<Bytes> {
        if body.len() < SMALLEST {
            return None;
        }
        if body.len() <= THOROUGH_AT_ONCE {
            return coding.compress(&body, Effort::Thorough);
        }
        let _thread = self.0.acquire().await.ok()?;
        away(coding, body, Effort::Thorough).await
    }
}

async fn away(coding: Coding, body: Bytes, effort: Effort) -> Option<Bytes> {
    // A panic in there costs the compression, not the answer.
    blocking(move || coding.compress(&body, effort)).await.unwrap_or_default()
}

/// The body of an answer that may be compressed and is worth it.
fn compressible(response: &Response) -> Option<Bytes> {
    let headers = response.headers();
    let is_partial = response.status() == StatusCode::PARTIAL_CONTENT;
    let is_final = headers.contains_key(header::CONTENT_ENCODING)
        || headers.get(header::CACHE_CONTROL).is_some_and(is_untouchable);
    let body = response.body().whole().filter(|body| body.len() >= SMALLEST)?;
    (!is_partial && !is_final).then_some(body)
}

fn is_untouchable(cache_control: &HeaderValue) -> bool {
    cache_control.to_str().is_ok_and(|text| text.contains("no-transform"))
}

/// Whether an answer is of a type that gets smaller. Images and archives do not.
fn is_text(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    let is_named = ["application/json", "application/javascript", "image/svg+xml"];
    media_type.ends_with("+json")
        || is_named.contains(&media_type)
        || (media_type.starts_with("text/") && media_type != "text/event-stream")
}

/// Says that an answer depends on a header of the request.
pub(crate) fn add_vary(headers: &mut HeaderMap, name: &str) {
    let given = headers.get(header::VARY).and_then(|vary| vary.to_str().ok()).unwrap_or_default();
    let is_there = |text: &str| text.split(',').any(|it| it.trim().eq_ignore_ascii_case(name));
    if given == "*" || is_there(given) {
        return;
    }
    let separator = if given.is_empty() { "" } else { ", " };
    if let Ok(vary) = HeaderValue::try_from(format!("{given}{separator}{name}")) {
        headers.insert(header::VARY, vary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_gets_smaller_loses_its_length_and_its_parts() {
        let mut response = Response::new(vec![b'a'; 5_000].into());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(header::CONTENT_LENGTH, 5_000.into());
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let asked = [(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))];
        Compressor::new().complete(&asked.into_iter().collect(), &mut response).await;
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        assert!(response.body().whole().unwrap().len() < 1_000);
        for name in [header::CONTENT_LENGTH, header::ACCEPT_RANGES] {
            assert!(!response.headers().contains_key(&name), "{name}");
        }
    }
}
