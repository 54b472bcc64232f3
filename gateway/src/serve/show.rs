//! What a reply becomes: status, headers and body.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use prost_reflect::FieldDescriptor;

use crate::{
    Response,
    cache::Finished,
    compress::{Coding, add_vary},
    conditional::{self, Shown},
    credentials::Identity,
    link,
    route::{Found, Route, Rpc},
    transcode::Reply,
};

/// Who may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// Anybody, for some seconds of which some have passed.
    Shared { seconds: u32, age: u64 },
    /// Its reader, who asks before every use whether it still holds.
    Private,
    /// Nobody.
    Never,
}

// === impl Keeping ===

impl Keeping {
    /// Who may keep what a request was answered by its service.
    ///
    /// Only what every stranger is shown is for everybody. What somebody who is
    /// known is shown by a public method may be more: drafts of their own. And of
    /// what only they may ask for, nothing is left on the machine that they use.
    pub(super) fn of(parts: &Parts, rpc: &Rpc, identity: &Identity) -> Self {
        if !conditional::is_look(parts) || !rpc.is_public {
            Self::Never
        } else if rpc.cache_seconds > 0 && identity.is_anonymous() {
            Self::Shared { seconds: rpc.cache_seconds, age: 0 }
        } else {
            Self::Private
        }
    }

    fn write(self, headers: &mut HeaderMap) {
        let text = match self {
            Self::Never => "no-store".to_owned(),
            Self::Private => "private, no-cache".to_owned(),
            Self::Shared { seconds, .. } => format!("public, max-age={seconds}"),
        };
        headers.extend(HeaderValue::try_from(text).ok().map(|it| (header::CACHE_CONTROL, it)));
        if let Self::Shared { age: age @ 1.., .. } = self {
            headers.insert(header::AGE, age.into());
        }
        // Who asks decides what is shown; nothing of that must be mixed up.
        for name in ["Accept-Encoding", "Authorization", "Cookie"] {
            add_vary(headers, name);
        }
    }
}

/// The answer to a client that has it already, if it does.
pub(super) fn held(parts: &Parts, shown: &Shown, keeping: Keeping) -> Option<Response> {
    let tag = shown.tag.as_ref().filter(|_| conditional::is_look(parts))?;
    let mut response = conditional::unchanged(tag.held(&parts.headers)?);
    keeping.write(response.headers_mut());
    Some(response)
}

/// The answer that a reply stands for.
pub(super) fn success(
    parts: &Parts,
    found: &Found<'_>,
    reply: Reply,
    shown: &Shown,
    keeping: Keeping,
) -> Response {
    let route: &Route = found.route;
    if route.rpc.is_silent() {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        return response;
    }
    // What is not there yet has no id.
    let id = reply.id.as_deref().filter(|id| !id.is_empty());
    let location = id.and_then(|id| route.location_of(id, &found.path));
    let mut response = json(parts, route, shown, reply.json, None);
    if route.is_creation() {
        *response.status_mut() = StatusCode::CREATED;
    }
    let headers = response.headers_mut();
    let location = location.and_then(|path| HeaderValue::try_from(path).ok());
    headers.extend(location.map(|path| (header::LOCATION, path)));
    keeping.write(headers);
    response
}

/// The answer that is kept.
pub(super) fn kept(
    parts: &Parts,
    route: &Route,
    finished: &Finished,
    packed: Option<(Coding, Bytes)>,
    keeping: Keeping,
) -> Response {
    let (coding, body) = match packed {
        Some((coding, body)) => (Some(coding), body),
        None => (None, finished.json.clone()),
    };
    let mut response = json(parts, route, &finished.shown, body, coding);
    keeping.write(response.headers_mut());
    response
}

fn json(
    parts: &Parts,
    route: &Route,
    shown: &Shown,
    body: Bytes,
    coding: Option<Coding>,
) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    let is_resource = route.response_field.as_ref().is_some_and(is_message);
    if conditional::is_look(parts) {
        headers.extend(link::header(route, &parts.uri, shown.next_page.as_deref()));
    }
    if conditional::is_look(parts) || is_resource {
        headers.extend(shown.tag.as_ref().map(|tag| (header::ETAG, tag.header(coding))));
    }
    response
}

fn is_message(field: &FieldDescriptor) -> bool {
    field.kind().as_message().is_some() && !field.is_list() && !field.is_map()
}

// === impl Route ===

impl Route {
    /// What a body may be, as a header (`Accept-Post`, W3C LDP 7.1; `Accept-Patch`,
    /// RFC 5789); none for other methods.
    pub(super) fn media_types(&self) -> Option<(HeaderName, HeaderValue)> {
        let types = match self.method.as_str() {
            "POST" if self.rpc.method.is_client_streaming() => "*/*",
            "POST" => "application/json",
            "PATCH" => "application/merge-patch+json, application/json",
            _ => return None,
        };
        let name = if self.method == http::Method::POST { "accept-post" } else { "accept-patch" };
        Some((HeaderName::from_static(name), HeaderValue::from_static(types)))
    }
}
