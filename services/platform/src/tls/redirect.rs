//! The port for those who still speak http: sent on to https, and where a
//! certificate authority looks for proof (ACME HTTP-01, RFC 8555, 8.3).

use std::{convert::Infallible, path::PathBuf};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode, Uri, header, request::Parts, uri::Authority,
};
use http_body_util::Full;
use tower::{Service, service_fn};

use super::acme;
use crate::server::Refusal;

const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// Where those who speak http are sent.
#[derive(Clone, Debug)]
pub(crate) struct Redirect {
    challenges: Option<PathBuf>,
    https: u16,
}

// === impl Redirect ===

impl Redirect {
    /// To a port of ours; with the folder of the proofs, if there is one.
    pub(crate) fn new(challenges: Option<PathBuf>, https: u16) -> Self {
        Self { challenges, https }
    }

    /// The HTTP service.
    pub(crate) fn into_service<B: Send + 'static>(
        self,
    ) -> impl Service<Request<B>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static {
        service_fn(move |request: Request<B>| {
            let this = self.clone();
            async move { Ok(this.answer(&request.into_parts().0).await) }
        })
    }

    async fn answer(&self, request: &Parts) -> Response<Full<Bytes>> {
        if let Some(refusal) = Refusal::of(&request.method, &request.uri) {
            let (status, words) = refusal.as_text();
            return text(StatusCode::from_u16(status).unwrap_or_default(), words);
        }
        let proof = match (&self.challenges, request.uri.path().strip_prefix(CHALLENGES)) {
            (Some(folder), Some(token)) => acme::proof(folder, token).await,
            _ => None,
        };
        if let Some(proof) = proof {
            return text(StatusCode::OK, proof);
        }
        let Some(location) = self.location(request) else {
            return text(StatusCode::BAD_REQUEST, "the request has no Host header\n");
        };
        let mut response = text(StatusCode::PERMANENT_REDIRECT, "this port sends on to https\n");
        response.headers_mut().insert(header::LOCATION, location);
        response
    }

    /// The same with https. Whoever asked a port by number is sent to ours; whoever
    /// asked port 80 came through something that knows port 443, too.
    fn location(&self, request: &Parts) -> Option<HeaderValue> {
        let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority: Authority = match (request.uri.authority(), host) {
            (Some(authority), _) => authority.clone(),
            (None, host) => host?.parse().ok()?,
        };
        let is_host = !authority.host().is_empty() && !authority.as_str().contains('@');
        let path = request.uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = match authority.port_u16() {
            Some(port) if port != 80 => format!("{}:{}", authority.host(), self.https),
            _ => authority.host().to_owned(),
        };
        let location = Uri::builder().scheme("https").authority(authority).path_and_query(path);
        let location = location.build().ok().filter(|_| is_host)?;
        HeaderValue::try_from(location.to_string()).ok()
    }
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_to(uri: &str, host: Option<&str>) -> Option<String> {
        let request = Request::builder().uri(uri);
        let request = host.into_iter().fold(request, |it, host| it.header("host", host));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let location = Redirect::new(None, 8443).location(&parts);
        location.map(|location| location.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_same_address_with_https() {
        for (uri, host, expected) in [
            ("/", Some("a.org"), Some("https://a.org/")),
            ("/a%20b?c=d&e", Some("a.org"), Some("https://a.org/a%20b?c=d&e")),
            ("/", Some("a.org:80"), Some("https://a.org/")),
            ("/", Some("localhost:8080"), Some("https://localhost:8443/")),
            ("/", Some("[::1]:8080"), Some("https://[::1]:8443/")),
            ("http://b.org/x", Some("a.org"), Some("https://b.org/x")),
            ("//evil.org", Some("a.org"), Some("https://a.org//evil.org")),
            ("/", None, None),
            ("/", Some(""), None),
            ("/", Some("u@evil.org"), None),
            ("/", Some("a b"), None),
            ("/", Some("a.org/x"), None),
        ] {
            assert_eq!(sent_to(uri, host).as_deref(), expected, "{uri} {host:?}");
        }
    }
}
