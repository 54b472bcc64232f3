//! The way of a request through the gateway, from the first header to the last.

mod always;
mod carry;
mod refusal;
mod show;
mod spoken;
mod strays;

pub(crate) use self::carry::Asked;

use std::{
    convert::Infallible,
    error::Error,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, request::Parts};
use http_body::Body;
use http_body_util::BodyExt;
use platform::{
    limits::Standing,
    server::{RouteTemplate, log_panic},
    status::Reason,
};

use self::refusal::Refusal;
use crate::{
    Response,
    body::Incoming,
    browser::Spoken,
    cache::Cache,
    conditional, cors,
    credentials::{Changes, Credentials},
    csrf::{self, Origins},
    edge,
    limits::Guard,
    pages::Pages,
    problem::Problem,
    route::{Answers, CredentialKind, Route, Rpc, Table},
    stream::{self, Streams},
    upload::Quota,
};

const EVERY_METHOD: HeaderValue =
    HeaderValue::from_static("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");

/// The REST API as a service.
#[derive(Clone, Debug)]
pub(crate) struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    table: Table,
    pages: Pages,
    credentials: Credentials,
    guard: Guard,
    trusted_origins: Origins,
    cache: Cache,
    streams: Streams,
    quota: Quota,
    room: edge::Room,
    refusal: Refusal,
}

/// What a gateway is made of.
#[derive(Debug)]
pub(crate) struct Making {
    pub(crate) table: Table,
    pub(crate) credentials: Credentials,
    pub(crate) guard: Guard,
    pub(crate) trusted_origins: Origins,
    pub(crate) cache: Cache,
    pub(crate) streams: Streams,
}

/// An answer, or why there is none.
pub(crate) type Answer = Result<Response, Box<Problem>>;

// === impl Gateway ===

impl Gateway {
    /// Serves the routes of a table.
    pub(crate) fn new(making: Making) -> Self {
        let Making { table, credentials, guard, trusted_origins, cache, streams } = making;
        let (quota, room) = (Quota::default(), edge::Room::new());
        let refusal = Refusal::new(credentials.cookies.are_secure());
        let pages = Pages::new(&table, credentials.cookies.name(CredentialKind::Access));
        Self(Arc::new(Inner {
            table,
            pages,
            credentials,
            guard,
            trusted_origins,
            cache,
            streams,
            quota,
            room,
            refusal,
        }))
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
            let answer = AssertUnwindSafe(gateway.answer(&parts, &mut body)).catch_unwind().await;
            let answer = match answer {
                Ok(answer) => {
                    edge::drain(&parts.headers, &mut body).await;
                    answer
                }
                // A panic is told like every other failure, and ends one request only.
                Err(panic) => {
                    log_panic(panic.as_ref());
                    Err(Problem::of(Reason::INTERNAL))
                }
            };
            Ok(gateway.finish(&parts, answer).await)
        })
    }
}

// === impl Inner ===

impl Inner {
    async fn answer(&self, parts: &Parts, body: &mut Incoming) -> Answer {
        edge::check_refusal(parts)?;
        if [Method::TRACE, Method::CONNECT].contains(&parts.method) {
            let problem = Problem::of(Reason::METHOD_NOT_ALLOWED).allow(EVERY_METHOD);
            return Err(problem.end_connection());
        }
        let host = edge::check(parts)?;
        let path = parts.uri.path();
        if let Some(found) = self.table.find(&parts.method, path) {
            let template = RouteTemplate(Arc::clone(&found.route.template));
            let (mut changes, mut standing) = (Changes::default(), None);
            let admitted = self.admit(parts, &host, found.route, &mut standing).await;
            let carried = match admitted.and_then(|()| acceptable(parts, &found.route.rpc)) {
                Ok(()) => self.carry(parts, body, &found, &mut changes).await,
                Err(problem) => Err(problem),
            };
            let mut response =
                carried.unwrap_or_else(|problem| problem.into_response(parts.version));
            self.change_cookies(&changes, &mut response);
            if let Some(standing) = standing {
                standing.write(response.headers_mut());
            }
            if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
                response.headers_mut().extend(found.route.media_types());
            }
            response.extensions_mut().insert(template);
            return Ok(response);
        }
        match Spoken::read(parts, &self.table)? {
            Some(spoken) => Ok(self.answer_spoken(&spoken, &host, body).await),
            None => Ok(self.answer_stray(parts).await),
        }
    }

    /// Refuses a request before anything is read of it.
    async fn admit(
        &self,
        parts: &Parts,
        host: &str,
        route: &Route,
        standing: &mut Option<Standing>,
    ) -> Result<(), Box<Problem>> {
        if let Err(problem) = self.check_sender(parts, host) {
            // A page of another site must not use up what its visitor may do here.
            *standing = self.guard.count_other().await;
            return Err(problem);
        }
        let refused = |status| Problem::of_status(&status, |field| route.place_of(field));
        let identity = self.credentials.identify(&parts.headers).ok();
        *standing = self.guard.count(&route.rpc, identity.as_ref()).await;
        standing.map_or(Ok(()), |standing| standing.check()).map_err(refused)
    }

    /// Refuses whoever is not to send anything here, whatever it is.
    fn check_sender(&self, parts: &Parts, host: &str) -> Result<(), Box<Problem>> {
        edge::check_scheme(&parts.headers)?;
        csrf::check(&parts.method, &parts.headers, host, &self.trusted_origins)
    }

    /// An answer with cookies is for one reader only.
    fn change_cookies(&self, changes: &Changes, response: &mut Response) {
        if !changes.is_empty() {
            let headers = response.headers_mut();
            self.credentials.cookies.apply(changes, headers);
            headers.remove(header::CACHE_CONTROL);
        }
    }

    /// Leaves out what the client has already, makes the rest small, and adds what
    /// every answer has.
    async fn finish(&self, parts: &Parts, answer: Answer) -> Response {
        let mut response = answer.unwrap_or_else(|problem| problem.into_response(parts.version));
        conditional::tag(parts, &mut response);
        self.cache.compressor().complete(&parts.headers, &mut response).await;
        conditional::check(parts, &mut response);
        self.protect(&parts.method, &parts.headers, &mut response);
        response
    }

    /// Adds what every answer has.
    fn protect(&self, method: &Method, asked: &HeaderMap, response: &mut Response) {
        always::protect(response.headers_mut(), self.credentials.cookies.are_secure());
        cors::mark((method, asked), &self.trusted_origins, response.headers_mut());
        if *method == Method::HEAD {
            always::cut(response);
        }
    }
}

/// Refuses a client that cannot read what a method gives.
fn acceptable(parts: &Parts, rpc: &Rpc) -> Result<(), Box<Problem>> {
    match rpc.answers {
        Answers::Message if rpc.is_silent() || edge::takes_json(&parts.headers) => Ok(()),
        Answers::Message => Err(Problem::of(Reason::NOT_ACCEPTABLE)),
        Answers::Events { .. } => stream::check_accept(&parts.headers),
        // The service says what it is.
        Answers::File { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests;
