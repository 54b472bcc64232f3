//! One log line, one span and one measurement for each request, and the request
//! id that ties them together.

use std::{
    any::Any,
    convert::Infallible,
    mem,
    panic::AssertUnwindSafe,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use opentelemetry::{KeyValue, metrics::Histogram};
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument;

use super::{deadline::requested_deadline, worded::log_panic};
use crate::{
    access::{Contract, time_limit},
    request_id::{RequestContext, X_REQUEST_ID},
    status, telemetry,
    telemetry::{
        HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE, HTTP_SERVER_DURATION,
        REQUEST_BUCKETS, RPC_METHOD, RPC_RESPONSE_STATUS_CODE, RPC_SERVER_DURATION,
        RPC_SYSTEM_NAME,
    },
    upstream::DEFAULT_DEADLINE,
};

/// What a server speaks, and so how its requests are named.
#[derive(Clone, Debug)]
pub enum Kind {
    /// gRPC methods of a contract.
    Grpc(Contract),
    /// REST routes; answers carry a [`RouteTemplate`].
    Http,
}

/// An extension of a response: the template of the route that gave it.
#[derive(Clone, Debug)]
pub struct RouteTemplate(pub std::sync::Arc<str>);

/// An extension of a response: it is counted, and one line in the log for each of
/// its kind would help nobody.
#[derive(Clone, Copy, Debug)]
pub struct Unlogged;

/// The layer.
#[derive(Clone, Debug)]
pub struct Observe {
    kind: Kind,
    duration: Histogram<f64>,
}

/// The service made by [`Observe`].
#[derive(Clone, Debug)]
pub struct Observed<S> {
    layer: Observe,
    inner: S,
}

// === impl Observe ===

impl Observe {
    /// Observes requests of a kind.
    pub fn new(kind: Kind) -> Self {
        let name = match kind {
            Kind::Grpc(_) => RPC_SERVER_DURATION,
            Kind::Http => HTTP_SERVER_DURATION,
        };
        let meter = opentelemetry::global::meter("mainstay");
        let duration = meter.f64_histogram(name).with_unit("s");
        Self { kind, duration: duration.with_boundaries(REQUEST_BUCKETS.to_vec()).build() }
    }

    /// A bounded name for a request: labels must not grow with what callers send.
    fn name<B>(&self, request: &Request<B>) -> String {
        let path = request.uri().path();
        match &self.kind {
            Kind::Http => method_name(request.method()).to_owned(),
            Kind::Grpc(contract) if contract.policy(path).is_some() => {
                path.trim_start_matches('/').to_owned()
            }
            Kind::Grpc(_) => "_OTHER".to_owned(),
        }
    }

    /// Counts a request that was never worked on.
    pub(super) fn count<A, B>(&self, request: &Request<A>, response: &Response<B>, took: Duration) {
        self.finish(&self.name(request), response, took);
    }

    fn finish<B>(&self, name: &str, response: &Response<B>, took: Duration) {
        let seconds = took.as_secs_f64();
        // Hundredths of a millisecond: enough, and short to read.
        let duration_ms = (seconds * 100_000.0).round() / 100.0;
        let is_logged = response.extensions().get::<Unlogged>().is_none();
        match self.kind {
            Kind::Grpc(_) => {
                let code = grpc_code(response.headers());
                let status = status::code_name(code);
                self.duration.record(
                    seconds,
                    &[
                        KeyValue::new(RPC_SYSTEM_NAME, "grpc"),
                        KeyValue::new(RPC_METHOD, name.to_owned()),
                        KeyValue::new(RPC_RESPONSE_STATUS_CODE, status),
                    ],
                );
                // Probes and reflection would drown the rest.
                if is_logged && (name != "_OTHER" || code != Code::Ok) {
                    tracing::info!(rpc.method = name, status, duration_ms, "served {name}");
                }
            }
            Kind::Http => {
                let status = response.status().as_u16();
                let route = response.extensions().get::<RouteTemplate>();
                let route = route.map_or("_OTHER", |route| &*route.0);
                self.duration.record(
                    seconds,
                    &[
                        KeyValue::new(HTTP_REQUEST_METHOD, name.to_owned()),
                        KeyValue::new(HTTP_ROUTE, route.to_owned()),
                        KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(status)),
                    ],
                );
                if !is_logged {
                    return;
                }
                telemetry::name_span(format!("{name} {route}"));
                tracing::info!(
                    http.request.method = name,
                    http.route = route,
                    status,
                    duration_ms,
                    "served {name} {route}"
                );
            }
        }
    }
}

/// The name of a standard method: anybody can make up others.
fn method_name(method: &Method) -> &str {
    const STANDARD: [Method; 9] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::CONNECT,
        Method::TRACE,
    ];
    if STANDARD.contains(method) { method.as_str() } else { "_OTHER" }
}

/// A refused call says so in its headers; one that went well says so at its end.
fn grpc_code(headers: &HeaderMap) -> Code {
    headers.get("grpc-status").map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()))
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { layer: self.clone(), inner }
    }
}

// === impl Observed ===

impl<S, A, B> Service<Request<A>> for Observed<S>
where
    S: Service<Request<A>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    A: Send + 'static,
    B: Default + Send + 'static,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<B>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let started = Instant::now();
        let layer = self.layer.clone();
        let next = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, next);
        let mut context = RequestContext::read(request.headers());
        context.deadline = layer.allowed(&request).map(|allowed| started + allowed);
        context.client = request.extensions().get().copied();
        let name = layer.name(&request);
        let span = telemetry::request_span(&context, &name);
        let request_id = context.request_id.clone();
        let work = async move {
            let unanswered = Unanswered { layer: &layer, name: &name, started };
            // A panic ends one request, not the connection that carries others.
            let answer = AssertUnwindSafe(inner.call(request)).catch_unwind().await;
            let mut response = match answer {
                Ok(Ok(response)) => response,
                Err(panic) => layer.panicked(panic.as_ref()),
            };
            response.headers_mut().insert(X_REQUEST_ID, request_id);
            mem::forget(unanswered);
            layer.finish(&name, &response, started.elapsed());
            Ok(response)
        };
        Box::pin(context.scope(work).instrument(span))
    }
}

/// A request whose client leaves before the answer is dropped, and counted when
/// it is: the slowest ones would be missing otherwise.
struct Unanswered<'a> {
    layer: &'a Observe,
    name: &'a str,
    started: Instant,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        let response = match self.layer.kind {
            Kind::Grpc(_) => Status::cancelled("").into_http(),
            Kind::Http => {
                let mut response = Response::new(());
                // nginx's number for a client that closed the request.
                *response.status_mut() = StatusCode::from_u16(499).unwrap_or_default();
                response
            }
        };
        self.layer.finish(self.name, &response, self.started.elapsed());
    }
}

impl Observe {
    /// How long a request may take: as long as its method may, and no longer than
    /// its caller waits. What REST requests are for is not known yet.
    fn allowed<B>(&self, request: &Request<B>) -> Option<Duration> {
        let requested = requested_deadline(request.headers());
        let Kind::Grpc(contract) = &self.kind else { return requested };
        let policy = contract.policy(request.uri().path());
        let most = policy.map_or(DEFAULT_DEADLINE, time_limit);
        Some(requested.map_or(most, |requested| requested.min(most)))
    }

    fn panicked<B: Default>(&self, panic: &(dyn Any + Send)) -> Response<B> {
        log_panic(panic);
        match self.kind {
            Kind::Grpc(_) => status::refuse(status::Reason::INTERNAL).into_http(),
            Kind::Http => {
                let mut response = Response::new(B::default());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::options::v1::Policy;

    use super::*;

    fn allowed(kind: &Kind, requested: Option<&str>) -> Option<Duration> {
        let mut request = Request::post("/a.v1.A/Slow");
        if let Some(requested) = requested {
            request = request.header("grpc-timeout", requested);
        }
        Observe::new(kind.clone()).allowed(&request.body(()).unwrap())
    }

    #[test]
    fn a_call_has_the_time_that_its_method_takes_and_its_caller_allows() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let of = |timeout_seconds| {
            let policy = Policy { timeout_seconds, ..Policy::default() };
            Kind::Grpc(Contract::of_one("/a.v1.A/Slow", policy))
        };
        assert_eq!(allowed(&of(0), None), seconds(10));
        assert_eq!(allowed(&of(30), None), seconds(30));
        assert_eq!(allowed(&of(2), None), seconds(2));
        assert_eq!(allowed(&of(30), Some("20S")), seconds(20));
        assert_eq!(allowed(&of(2), Some("20S")), seconds(2));
        assert_eq!(allowed(&of(0), Some("1H")), seconds(10));
        assert_eq!(allowed(&Kind::Http, Some("20S")), seconds(20));
        assert_eq!(allowed(&Kind::Http, None), None, "its route says later");
    }
}
