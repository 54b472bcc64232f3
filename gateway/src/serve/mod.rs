//! The way of a request through the gateway, from the first header to the last.

mod carry;

use std::{
    convert::Infallible,
    error::Error,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, Request, StatusCode, header, request::Parts};
use http_body::Body;
use http_body_util::BodyExt;
use platform::{server::RouteTemplate, status::Reason};

use crate::{
    Response,
    body::Incoming,
    credentials::{Changes, Credentials},
    csrf::{self, Origins},
    edge,
    pages::Pages,
    problem::Problem,
    route::{CredentialKind, Table},
};

const EVERY_METHOD: HeaderValue =
    HeaderValue::from_static("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
const PAGE_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// The REST API as a service.
#[derive(Clone, Debug)]
pub(crate) struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    table: Table,
    pages: Pages,
    credentials: Credentials,
    trusted_origins: Origins,
    room: edge::Room,
}

type Answer = Result<Response, Box<Problem>>;

// === impl Gateway ===

impl Gateway {
    /// Serves the routes of a table.
    pub(crate) fn new(table: Table, credentials: Credentials, trusted_origins: Origins) -> Self {
        let room = edge::Room::new();
        let pages = Pages::new(&table, credentials.cookies.name(CredentialKind::Access));
        Self(Arc::new(Inner { table, pages, credentials, trusted_origins, room }))
    }
}

impl<B> tower::Service<Request<B>> for Gateway
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let gateway = Arc::clone(&self.0);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let mut body = body.map_err(Into::into).boxed_unsync();
            let answer = gateway.answer(&parts, &mut body).await;
            edge::drain(&parts.headers, &mut body).await;
            Ok(gateway.finish(&parts, answer))
        })
    }
}

// === impl Inner ===

impl Inner {
    async fn answer(&self, parts: &Parts, body: &mut Incoming) -> Answer {
        if [Method::TRACE, Method::CONNECT].contains(&parts.method) {
            let problem = Problem::of(Reason::METHOD_NOT_ALLOWED).allow(EVERY_METHOD);
            return Err(problem.end_connection());
        }
        let host = edge::check(parts)?;
        let path = parts.uri.path();
        if let Some(found) = self.table.find(&parts.method, path) {
            let template = RouteTemplate(Arc::clone(&found.route.template));
            let mut changes = Changes::default();
            let carried = match self.admit(parts, &host) {
                Ok(()) => self.carry(parts, body, &found, &mut changes).await,
                Err(problem) => Err(problem),
            };
            let mut response =
                carried.unwrap_or_else(|problem| problem.into_response(parts.version));
            self.change_cookies(&changes, &mut response);
            response.extensions_mut().insert(template);
            return Ok(response);
        }
        self.answer_without_route(parts, path)
    }

    fn answer_without_route(&self, parts: &Parts, path: &str) -> Answer {
        let page = self.pages.find(path, &parts.headers);
        let allowed = match (path, &page) {
            ("*", _) => Some(EVERY_METHOD),
            (_, Some(_)) => Some(PAGE_METHODS),
            _ => self.table.allowed(path),
        };
        match (parts.method.as_str(), page, allowed) {
            ("GET" | "HEAD", Some(page), _) => {
                let mut response =
                    page.answer.unwrap_or_else(|problem| problem.into_response(parts.version));
                response.extensions_mut().insert(RouteTemplate(page.path.into()));
                Ok(response)
            }
            ("OPTIONS", _, Some(allowed)) => {
                let mut response = Response::default();
                *response.status_mut() = StatusCode::NO_CONTENT;
                response.headers_mut().insert(header::ALLOW, allowed);
                Ok(response)
            }
            (_, _, Some(allowed)) => Err(Problem::of(Reason::METHOD_NOT_ALLOWED).allow(allowed)),
            (_, _, None) => {
                let problem = Problem::of(Reason::ROUTE_NOT_FOUND);
                Err(match self.table.nearest(path) {
                    Some(nearest) => problem.suggest(nearest),
                    None => problem,
                })
            }
        }
    }

    /// Refuses a request before anything is read of it.
    fn admit(&self, parts: &Parts, host: &str) -> Result<(), Box<Problem>> {
        csrf::check(&parts.method, &parts.headers, host, &self.trusted_origins)?;
        let is_acceptable = edge::takes_json(&parts.headers);
        if is_acceptable { Ok(()) } else { Err(Problem::of(Reason::NOT_ACCEPTABLE)) }
    }

    /// An answer with cookies is for one reader only.
    fn change_cookies(&self, changes: &Changes, response: &mut Response) {
        if !changes.is_empty() {
            let headers = response.headers_mut();
            self.credentials.cookies.apply(changes, headers);
            headers.remove(header::CACHE_CONTROL);
        }
    }

    /// Adds what every answer has.
    fn finish(&self, parts: &Parts, answer: Answer) -> Response {
        let mut response = answer.unwrap_or_else(|problem| problem.into_response(parts.version));
        let length = Body::size_hint(response.body()).exact();
        let headers = response.headers_mut();
        let mut add = |name, value| {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        };
        add(header::CACHE_CONTROL, "no-store");
        add(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
        add(header::REFERRER_POLICY, "no-referrer");
        add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        if self.credentials.cookies.are_secure() {
            add(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000");
        }
        if parts.method == Method::HEAD {
            if let Some(length) = length.filter(|_| response.status() != StatusCode::NO_CONTENT) {
                response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            }
            *response.body_mut() = Bytes::new().into();
        }
        response
    }
}

#[cfg(test)]
mod tests;
