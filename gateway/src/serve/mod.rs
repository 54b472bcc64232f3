//! The way of a request through the gateway, from the first header to the last.

use std::{
    convert::Infallible,
    error::Error,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, Request, StatusCode, header, request::Parts};
use http_body::Body;
use platform::{request_id::RequestContext, server::RouteTemplate, status::Reason};

use crate::{
    Response,
    credentials::{Changes, Credentials},
    csrf::{self, Origins},
    edge, pages,
    problem::Problem,
    route::{Found, Route, Table},
    transcode::{self, Given, Reply},
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
        Self(Arc::new(Inner { table, credentials, trusted_origins, room }))
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
            let mut body = Box::pin(body);
            let answer = gateway.answer(&parts, body.as_mut()).await;
            edge::drain(&parts.headers, body.as_mut()).await;
            Ok(gateway.finish(&parts, answer))
        })
    }
}

// === impl Inner ===

impl Inner {
    async fn answer<B>(&self, parts: &Parts, body: Pin<&mut B>) -> Answer
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
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
        let page = pages::find(path, &parts.headers, &self.table);
        let allowed = match (path, &page) {
            ("*", _) => Some(EVERY_METHOD),
            (_, Some(_)) => Some(PAGE_METHODS),
            _ => self.table.allowed(path),
        };
        match (parts.method.as_str(), page, allowed) {
            ("GET" | "HEAD", Some(page), _) => {
                let mut response = page.response;
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

    /// Carries a request to its service and the reply back.
    async fn carry<B>(
        &self,
        parts: &Parts,
        body: Pin<&mut B>,
        found: &Found<'_>,
        changes: &mut Changes,
    ) -> Answer
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let asked = Instant::now();
        let body = edge::read(&parts.headers, body, &self.room).await?;
        if !body.bytes.is_empty() {
            edge::check_media_type(&parts.method, &parts.headers)?;
        }
        let identity = self.credentials.identify(&parts.headers);
        let identity = identity
            .map_err(|status| Problem::of_status(&status, |field| found.route.place_of(field)))?;
        let given = Given {
            query: parts.uri.query(),
            body: &body.bytes,
            credential: &|kind| identity.secret(kind),
        };
        let message = transcode::request(found, given)?;
        let route = found.route;
        let call = self.credentials.call(&route.rpc, &identity, message, changes);
        let answer = after_reading(asked, call).await;
        let reply = answer.and_then(|reply| transcode::reply(route, reply));
        let reply =
            reply.map_err(|status| Problem::of_status(&status, |field| route.place_of(field)))?;
        changes.extend(reply.credentials.iter().cloned());
        Ok(success(found, reply, identity.is_anonymous()))
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

/// The time that a client takes to send its body is not taken from the service's.
async fn after_reading<T>(asked: Instant, work: impl Future<Output = T>) -> T {
    match RequestContext::current() {
        Some(mut context) => {
            context.deadline = context.deadline.map(|deadline| deadline + asked.elapsed());
            context.scope(work).await
        }
        None => work.await,
    }
}

/// `may_be_kept`: nothing in the request said who makes it.
fn success(found: &Found<'_>, reply: Reply, may_be_kept: bool) -> Response {
    let route: &Route = found.route;
    if route.rpc.is_silent() {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        return response;
    }
    let mut response = Response::new(reply.json.into());
    let is_created = route.is_creation();
    *response.status_mut() = if is_created { StatusCode::CREATED } else { StatusCode::OK };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let location = reply.id.as_deref().and_then(|id| route.location_of(id, &found.path));
    if let Some(location) = location.and_then(|path| HeaderValue::try_from(path).ok()) {
        headers.insert(header::LOCATION, location);
    }
    let seconds = route.rpc.cache_seconds;
    let kept = HeaderValue::try_from(format!("public, max-age={seconds}"));
    if let Some(kept) = kept.ok().filter(|_| seconds > 0 && !is_created && may_be_kept) {
        headers.insert(header::CACHE_CONTROL, kept);
    }
    response
}

#[cfg(test)]
mod tests;
