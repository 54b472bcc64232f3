//! The answer to requests for which there is no room, made once: only its request id
//! is new each time.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version};
use platform::{
    request_id::{RequestContext, X_REQUEST_ID},
    server::{RouteTemplate, Unlogged},
    status::Reason,
};

use super::{Gateway, always};
use crate::{Response, cors, problem::Problem};

/// Stands where the request id will be. No text of the catalogue has it.
const HERE: &str = "\u{1f}";
/// What serde makes of it.
const WRITTEN: &str = "\\u001f";

/// The answer.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    before: String,
    after: String,
}

// === impl Refusal ===

impl Refusal {
    /// Prepares the answer.
    pub(super) fn new(is_secure: bool) -> Self {
        let json = Problem::of(Reason::OVERLOADED).json(HERE);
        let json = String::from_utf8_lossy(&json);
        let (before, after) = json.split_once(WRITTEN).unwrap_or((&json, ""));
        let answer = Problem::of(Reason::OVERLOADED).into_response(Version::HTTP_11);
        let (mut parts, _) = answer.into_parts();
        always::protect(&mut parts.headers, is_secure);
        let (before, after) = (before.to_owned(), after.to_owned());
        Self { status: parts.status, headers: parts.headers, before, after }
    }

    /// The answer to one request. Its id is plain text, which JSON takes as it is.
    pub(super) fn answer(&self, request_id: HeaderValue) -> Response {
        let id = request_id.to_str().unwrap_or_default();
        let json = [&self.before, id, &self.after].concat();
        let mut response = Response::new(json.into());
        *response.status_mut() = self.status;
        response.headers_mut().clone_from(&self.headers);
        response.headers_mut().insert(X_REQUEST_ID, request_id);
        response.extensions_mut().insert(Unlogged);
        response
    }
}

// === impl Gateway ===

impl Gateway {
    /// Answers a request for which there is no room, before anything else of it is
    /// looked at: a refusal must cost less than what it makes room for.
    pub(crate) fn refuse<B>(&self, request: &Request<B>) -> Option<Response> {
        let found = self.0.table.find(request.method(), request.uri().path())?;
        self.0.guard.check_room(&found.route.rpc).err()?;
        let RequestContext { request_id, .. } = RequestContext::read(request.headers());
        let mut response = self.0.refusal.answer(request_id);
        response.extensions_mut().insert(RouteTemplate(Arc::clone(&found.route.template)));
        cors::mark(
            (request.method(), request.headers()),
            &self.0.trusted_origins,
            response.headers_mut(),
        );
        if *request.method() == Method::HEAD {
            always::cut(&mut response);
        }
        Some(response)
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn what_is_made_once_is_the_same_as_what_is_made_each_time() {
        let context = RequestContext::read(&HeaderMap::new());
        let quick = Refusal::new(true).answer(context.request_id.clone());
        let slow = || Problem::of(Reason::OVERLOADED).into_response(Version::HTTP_11);
        let mut slow = context.clone().sync_scope(slow);
        always::protect(slow.headers_mut(), true);
        slow.headers_mut().insert(X_REQUEST_ID, context.request_id);
        assert_eq!(quick.status(), slow.status());
        assert_eq!(quick.headers(), slow.headers());
        assert!(quick.headers().contains_key(header::RETRY_AFTER));
        assert_eq!(quick.body().whole(), slow.body().whole());
    }
}
