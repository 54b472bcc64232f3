//! What pages of other origins may do and read (the Fetch standard, section 3.2).
//!
//! The trusted origins may do everything with the cookies of their visitors, and
//! no others anything. Cookies are `SameSite=Lax`: browsers send them along from
//! another origin of the same site (`https://app.example.org` to
//! `https://api.example.org`, or another port of localhost), not from another site.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};

use crate::{Response, compress::add_vary, csrf::Origins};

/// For so long a browser need not ask again; none remembers it for longer.
const REMEMBERED_SECONDS: &str = "7200";

/// Headers that a page may send: those of REST, of event streams, and of gRPC-Web
/// and Connect.
const TAKEN: &str = "Accept, Accept-Language, Authorization, Content-Type, Idempotency-Key, \
     If-Match, If-None-Match, If-Range, Last-Event-ID, Range, Traceparent, X-Request-Id, \
     Connect-Protocol-Version, Connect-Timeout-Ms, Grpc-Timeout, X-Grpc-Web, X-User-Agent";

/// Headers that a page may read, besides those that every page may.
const SHOWN: &str = "Accept-Patch, Accept-Post, Accept-Ranges, Age, Allow, Content-Disposition, \
     Content-Encoding, Content-Range, ETag, Grpc-Message, Grpc-Status, Grpc-Status-Details-Bin, \
     Idempotent-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, \
     Server-Timing, WWW-Authenticate, X-Request-Id";

/// Whether a browser asks if a page that is trusted may send a request.
pub(crate) fn is_preflight(parts: &Parts, trusted: &Origins) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && origin(&parts.headers, trusted).is_some()
}

/// Answers a browser that asks whether a page may send a request; none for what is
/// no such question, or asked for a page that is not trusted.
///
/// `methods` are those of the path. Of a path that is not known all are allowed:
/// the page shall see the 404, not a puzzle.
pub(crate) fn preflight(
    parts: &Parts,
    trusted: &Origins,
    methods: HeaderValue,
) -> Option<Response> {
    if !is_preflight(parts, trusted) {
        return None;
    }
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, methods.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let fixed = |value| HeaderValue::from_static(value);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, fixed(TAKEN));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, fixed(REMEMBERED_SECONDS));
    Some(response)
}

/// Lets the page that asked read an answer, if it is trusted. An answer that could
/// have been for such a page says that it depends on who asks.
pub(crate) fn mark(
    (method, asked): (&Method, &HeaderMap),
    trusted: &Origins,
    headers: &mut HeaderMap,
) {
    if trusted.is_empty() {
        return;
    }
    add_vary(headers, "Origin");
    let Some(origin) = origin(asked, trusted) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if *method != Method::OPTIONS {
        let shown = HeaderValue::from_static(SHOWN);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, shown);
        headers.insert(HeaderName::from_static("timing-allow-origin"), origin);
    }
}

/// The one origin that a request names, if it is trusted. `null` never is: any
/// page can make itself that.
fn origin(headers: &HeaderMap, trusted: &Origins) -> Option<HeaderValue> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = origins.next().filter(|_| origins.next().is_none())?;
    trusted.contains(origin.to_str().ok()?).then(|| origin.clone())
}
