//! What hyper lets through and we do not: requests that two programs could
//! understand differently, and bodies that are too large or too slow.

mod accept;
mod body;
mod target;

use http::{HeaderMap, Version, header, request::Parts};
use platform::{server::Refusal, status::Reason};

pub(crate) use self::{
    accept::{prefers, prefers_json, takes, takes_json},
    body::{Room, check_media_type, drain, read},
};
use crate::problem::Problem;

/// As many as a head of HTTP/1 may have; h2 bounds their size.
const MOST_FIELDS: usize = 64;

/// Refuses what the server refused already, below: the connection reads no more.
pub(crate) fn check_refusal(parts: &Parts) -> Result<(), Box<Problem>> {
    match Refusal::of(&parts.method, &parts.uri) {
        Some(Refusal { reason, detail }) => {
            Err(Problem::of(reason).detail(detail).end_connection())
        }
        None => Ok(()),
    }
}

/// Refuses a request that is ambiguous, and returns the host that it is for.
///
/// Of HTTP/1, `platform::server` refuses what is ambiguous before hyper reads it;
/// this is for both protocols, and does not rely on who read the request.
pub(crate) fn check(parts: &Parts) -> Result<String, Box<Problem>> {
    target::check(&parts.uri)?;
    if parts.headers.len() > MOST_FIELDS {
        return Err(Problem::of(Reason::HEADERS_TOO_LARGE)
            .detail("the request has more than 64 headers; send fewer"));
    }
    check_framing(&parts.headers, parts.version).map_err(malformed)?;
    check_single(&parts.headers).map_err(malformed)?;
    host(parts).map_err(malformed)
}

/// Refuses credentials that no service reads. They are not passed over: whoever
/// sends them means to be known by them, and not by cookies.
pub(crate) fn check_scheme(headers: &HeaderMap) -> Result<(), Box<Problem>> {
    let Some(given) = headers.get(header::AUTHORIZATION) else { return Ok(()) };
    let scheme = given.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(());
    }
    Err(Problem::of(Reason::TOKEN_INVALID).detail(
        "the Authorization header is not `Bearer …`; send an access token that way, or leave the header out to be known by your cookies",
    ))
}

fn malformed(detail: &'static str) -> Box<Problem> {
    Problem::of(Reason::MALFORMED_REQUEST).detail(detail).end_connection()
}

fn check_framing(headers: &HeaderMap, version: Version) -> Result<(), &'static str> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
    let coding = codings.next();
    if lengths > 1 {
        return Err("the request has two Content-Length headers");
    }
    if coding.is_some() && lengths > 0 {
        return Err("the request has both a Content-Length and a Transfer-Encoding");
    }
    let is_chunked = coding.is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if !is_chunked || codings.next().is_some() {
        return Err("the only Transfer-Encoding is chunked");
    }
    if coding.is_some() && version != Version::HTTP_11 {
        return Err("only HTTP/1.1 has a Transfer-Encoding");
    }
    Ok(())
}

/// Headers of which a second one would be a question of taste.
fn check_single(headers: &HeaderMap) -> Result<(), &'static str> {
    if headers.get_all(header::AUTHORIZATION).iter().count() > 1 {
        return Err("the request has two Authorization headers");
    }
    Ok(())
}

/// The one host that a request names, in its target, its header, or both alike.
fn host(parts: &Parts) -> Result<String, &'static str> {
    let mut headers = parts.headers.get_all(header::HOST).iter();
    let header = headers.next().map(|host| host.to_str().unwrap_or_default());
    if headers.next().is_some() {
        return Err("the request has two Host headers");
    }
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = match (authority, header) {
        (Some(authority), Some(header)) if !authority.eq_ignore_ascii_case(header) => {
            return Err("the request's target and its Host header differ");
        }
        (Some(_), None) if parts.version == Version::HTTP_11 => {
            return Err("the request has no Host header");
        }
        (Some(host), _) | (None, Some(host)) => host,
        // HTTP/1.0 had no hosts yet.
        (None, None) if parts.version < Version::HTTP_11 => return Ok(String::new()),
        (None, None) => return Err("the request has no Host header"),
    };
    let is_usable = !host.is_empty() && !host.contains('@');
    if is_usable { Ok(host.to_owned()) } else { Err("the request's host is not a host") }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn refused(version: Version, target: &str, headers: &[(&str, &str)]) -> Option<String> {
        let request = Request::builder().version(version).uri(target);
        let request = headers.iter().fold(request, |request, (k, v)| request.header(*k, *v));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        check(&parts).err().map(|problem| format!("{problem:?}"))
    }

    fn agrees(told: Option<&str>, expected: Option<&str>) -> bool {
        match (told, expected) {
            (None, None) => true,
            (Some(told), Some(expected)) => told.contains(expected),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    const HOST: (&str, &str) = ("host", "a.org");

    #[test]
    fn a_request_is_for_one_host() {
        let (old, one, two) = (Version::HTTP_10, Version::HTTP_11, Version::HTTP_2);
        for (version, target, hosts, expected) in [
            (one, "/", &["a.org"][..], None),
            (one, "/", &["[::1]:80"], None),
            (one, "/", &[], Some("no Host")),
            (old, "/", &[], None),
            (one, "/", &["a.org", "a.org"], Some("two Host")),
            (one, "/", &[""], Some("not a host")),
            (one, "/", &["u@a.org"], Some("not a host")),
            (one, "http://a.org/", &["a.org"], None),
            (one, "http://A.ORG/", &["a.org"], None),
            (one, "http://b.org/", &["a.org"], Some("differ")),
            (one, "http://a.org/", &[], Some("no Host")),
            (two, "http://a.org/", &[], None),
            (two, "http://a.org/", &["b.org"], Some("differ")),
            (two, "/", &[], Some("no Host")),
        ] {
            let hosts: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            let told = refused(version, target, &hosts);
            assert!(agrees(told.as_deref(), expected), "{version:?} {target} {hosts:?}: {told:?}");
        }
    }

    #[test]
    fn credentials_are_tokens_or_cookies() {
        for (authorization, is_taken) in [
            (None, true),
            (Some("Bearer a.b.c"), true),
            (Some("bearer a"), true),
            (Some("Basic YTpi"), false),
            (Some("Bearera"), false),
            (Some("Digest username=\"a\""), false),
            (Some(""), false),
        ] {
            let headers = authorization.map(|it| (header::AUTHORIZATION, it.parse().unwrap()));
            let told = check_scheme(&headers.into_iter().collect());
            assert_eq!(told.is_ok(), is_taken, "{authorization:?}");
            assert!(told.is_ok() || told.unwrap_err().status == 401);
        }
    }

    #[test]
    fn a_request_has_so_many_headers() {
        for (count, expected) in [(63, None), (64, Some("more than 64"))] {
            let headers = vec![("x-a", "b"); count];
            let told = refused(Version::HTTP_2, "/", &[&headers[..], &[HOST]].concat());
            assert!(agrees(told.as_deref(), expected), "{count}: {told:?}");
        }
    }

    #[test]
    fn a_request_ends_in_one_place() {
        let (length, chunked) = (("content-length", "1"), ("transfer-encoding", "Chunked"));
        for (headers, expected) in [
            (&[length][..], None),
            (&[length, length], Some("two Content-Length")),
            (&[chunked], None),
            (&[chunked, chunked], Some("only")),
            (&[chunked, length], Some("both")),
            (&[("transfer-encoding", "gzip, chunked")], Some("only")),
            (&[("transfer-encoding", "identity")], Some("only")),
            (&[("authorization", "Bearer a"), ("authorization", "Bearer b")], Some("two Auth")),
        ] {
            let headers = [headers, &[HOST]].concat();
            let told = refused(Version::HTTP_11, "/", &headers);
            assert!(agrees(told.as_deref(), expected), "{headers:?}: {told:?}");
        }
        let told = refused(Version::HTTP_10, "/", &[HOST, chunked]);
        assert!(agrees(told.as_deref(), Some("only HTTP/1.1")), "{told:?}");
    }
}
