//! Unsafe requests come from our own pages, or from no page at all.
//!
//! Browsers say where a request comes from (`Sec-Fetch-Site`, else `Origin`), and
//! pages cannot make them lie. The rule is Go 1.25's `CrossOriginProtection`, made
//! stricter: it holds with and without cookies, so that nobody can be signed in
//! to an account of somebody else's choosing either.

use std::{convert::Infallible, str::FromStr};

use http::{HeaderMap, Method, header};
use platform::{config::List, status::Reason};

use crate::problem::Problem;

/// Origins whose pages may act for their visitors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Vec<Origin>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Exact(String),
    /// `http://localhost:*`, kept up to the colon.
    AnyPort(String),
}

/// What is wrong with a trusted origin.
#[derive(Debug, thiserror::Error)]
#[error("must be origins such as https://example.org or http://localhost:*, not {0}")]
pub(crate) struct InvalidOrigin(String);

/// Refuses an unsafe request that a page of another site made.
///
/// A request with an `Authorization` header is let through: no cookie is read
/// from it, and no page can make a browser add the header.
pub(crate) fn check(
    method: &Method,
    headers: &HeaderMap,
    host: &str,
    trusted: &Origins,
) -> Result<(), Box<Problem>> {
    if method.is_safe() || headers.contains_key(header::AUTHORIZATION) {
        return Ok(());
    }
    let origin = only(headers, "origin");
    let is_trusted = || matches!(origin, Only::One(origin) if trusted.contains(origin));
    let is_ours = match only(headers, "sec-fetch-site") {
        Only::One("same-origin" | "none") => true,
        Only::One(_) | Only::Unclear => is_trusted(),
        Only::Missing => match origin {
            // No browser leaves out both: this is curl, or an app.
            Only::Missing => true,
            Only::One(text) => is_same(text, host) || is_trusted(),
            Only::Unclear => false,
        },
    };
    if is_ours { Ok(()) } else { Err(Problem::of(Reason::CROSS_SITE_REQUEST)) }
}

/// Whether an origin names the host that was asked, whatever the scheme: a proxy
/// in front of us may have ended TLS.
fn is_same(origin: &str, host: &str) -> bool {
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    !host.is_empty() && authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

enum Only<'a> {
    Missing,
    One(&'a str),
    Unclear,
}

fn only<'a>(headers: &'a HeaderMap, name: &str) -> Only<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Only::Missing,
        (Some(value), None) => value.to_str().map_or(Only::Unclear, Only::One),
        (Some(_), Some(_)) => Only::Unclear,
    }
}

// === impl Origins ===

impl Origins {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an origin is one of them.
    pub(crate) fn contains(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        self.0.iter().any(|trusted| match trusted {
            Origin::Exact(exact) => *exact == origin,
            Origin::AnyPort(start) => origin.strip_prefix(start.as_str()).is_some_and(is_port),
        })
    }
}

impl FromStr for Origins {
    type Err = InvalidOrigin;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let List(texts) = s.parse().unwrap_or_else(|never: Infallible| match never {});
        let origins = texts.into_iter().map(|text| text.parse());
        origins.collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let text = s.to_ascii_lowercase();
        let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let (host, port) = authority.map(split_port).unwrap_or_default();
        let is_host = !host.is_empty() && host.bytes().all(is_host_byte);
        match port {
            None if is_host => Ok(Self::Exact(text)),
            Some("*") if is_host => Ok(Self::AnyPort(text.trim_end_matches('*').to_owned())),
            Some(port) if is_host && is_port(port) => Ok(Self::Exact(text)),
            _ => Err(InvalidOrigin(s.to_owned())),
        }
    }
}

/// Splits off a port; the colons of an IPv6 address are inside brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn passes(method: &Method, pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let trusted = "https://app.example.org, http://localhost:*".parse().unwrap();
        check(method, &headers, "api.example.org", &trusted).is_ok()
    }

    #[test]
    fn only_our_own_pages_and_trusted_ones_act_for_their_visitors() {
        let site = |value| ("sec-fetch-site", value);
        let origin = |value| ("origin", value);
        let cookie = ("cookie", "__Host-session=t");
        let table: &[(&[(&'static str, &'static str)], bool)] = &[
            (&[], true),
            (&[cookie], true),
            (&[cookie, site("same-origin")], true),
            (&[cookie, site("none")], true),
            (&[cookie, site("same-site")], false),
            (&[cookie, site("cross-site")], false),
            (&[site("cross-site")], false),
            (&[site("Same-Origin")], false),
            (&[site("cross-site"), origin("https://app.example.org")], true),
            (&[site("cross-site"), origin("https://api.example.org")], false),
            (&[site("same-origin"), site("cross-site")], false),
            (&[origin("https://api.example.org")], true),
            (&[origin("http://API.example.org")], true),
            (&[origin("https://app.example.org")], true),
            (&[origin("HTTPS://APP.example.org")], true),
            (&[origin("http://app.example.org")], false),
            (&[origin("https://app.example.org.evil.org")], false),
            (&[origin("https://evil.org")], false),
            (&[origin("null")], false),
            (&[origin("")], false),
            (&[origin("http://localhost:5173")], true),
            (&[origin("http://localhost:0")], false),
            (&[origin("http://localhost:5173.evil.org")], false),
            (&[origin("http://localhost")], false),
            (&[origin("http://localhost.evil.org:80")], false),
            (&[origin("https://api.example.org"), origin("https://evil.org")], false),
            (&[site("cross-site"), ("authorization", "Bearer t")], true),
        ];
        for (headers, expected) in table {
            assert_eq!(passes(&Method::POST, headers), *expected, "{headers:?}");
            assert!(passes(&Method::GET, headers), "{headers:?}");
        }
    }

    #[test]
    fn trusted_origins_are_origins() {
        let read = |text: &str| text.parse::<Origins>().is_ok();
        for good in ["", "https://a.org", "http://[::1]:80", "http://[::1]:*", "https://a.org:8443"]
        {
            assert!(read(good), "{good}");
        }
        for bad in
            ["*", "null", "a.org", "https://", "https://a.org/", "https://*.a.org", "https://a:b"]
        {
            assert!(!read(bad), "{bad}");
        }
    }
}
