//! A gRPC service with everything that each of ours has: access rules, deadlines,
//! logs, metrics, health and reflection.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::{Request, Response, StatusCode, header};
use tokio_util::sync::CancellationToken;
use tonic::{body::Body, server::NamedService, service::Routes};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::{Layer, Service};

use super::{
    accept::Asked,
    deadline::Deadline,
    guard::Refusal,
    observe::{Kind, Observe},
    worded::Worded,
};
use crate::{
    access::AccessLayer,
    fatal::Fatal,
    limits::{Shed, Shedder},
};

const HINT: &str = "This is a gRPC port. List its services with\n  grpcurl -plaintext HOST:PORT list\nThe REST API is on the gateway's port.\n";

/// The gRPC services of one process.
#[derive(Debug)]
pub struct Grpc {
    routes: Routes,
    health: Health,
}

/// What health probes are told.
#[derive(Clone, Debug)]
pub(super) struct Health {
    reporter: HealthReporter,
    names: Vec<&'static str>,
}

/// Answers a browser that strayed here with one helpful line.
#[derive(Clone, Debug)]
struct Hint<S>(S);

// === impl Grpc ===

impl Grpc {
    /// Begins with the standard services: health, and reflection in both versions.
    pub fn new() -> Result<Self, Fatal> {
        let (reporter, service) = tonic_health::server::health_reporter();
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let unusable = |error: tonic_reflection::server::Error| Fatal::Contract(error.to_string());
        // Older tools, and Python's, know v1alpha only.
        let routes = Routes::new(service)
            .add_service(reflection().build_v1().map_err(unusable)?)
            .add_service(reflection().build_v1alpha().map_err(unusable)?);
        Ok(Self { routes, health: Health { reporter, names: vec![""] } })
    }

    /// Adds a service of the contract.
    #[must_use]
    pub fn with<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.health.names.push(S::NAME);
        self.routes = self.routes.add_service(service);
        self
    }

    pub(super) fn health(&self) -> Health {
        self.health.clone()
    }

    /// The whole stack, from the wire to the handlers.
    ///
    /// Streams of the standard services end with `quiet`.
    pub(super) fn into_service(
        self,
        access: &AccessLayer,
        quiet: CancellationToken,
        shedder: Shedder,
    ) -> impl Service<Asked, Response = Response<Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static {
        let contract = access.contract().clone();
        let routes = access.layer(Worded.layer(self.routes.prepare()));
        let timed = Deadline { contract: contract.clone(), quiet }.layer(routes);
        let bounded = Shed { contract: contract.clone(), shedder }.layer(timed);
        Hint(Observe::new(Kind::Grpc(contract)).layer(bounded))
    }
}

// === impl Health ===

impl Health {
    /// Tells probes that every service is ready, or that none is any more.
    pub(super) async fn announce(&self, is_ready: bool) {
        let status = if is_ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in &self.names {
            self.reporter.set_service_status(*name, status).await;
        }
    }
}

// === impl Hint ===

impl<S, B> Service<Request<B>> for Hint<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let is_grpc = content_type.is_some_and(|t| t.as_bytes().starts_with(b"application/grpc"));
        if is_grpc {
            return Either::Left(self.0.call(request));
        }
        let refusal = Refusal::of(request.method(), request.uri());
        let (status, text) = refusal.map_or((415, HINT.to_owned()), Refusal::as_text);
        let mut response = Response::new(Body::new(text));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
        let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
        Either::Right(ready(Ok(response)))
    }
}
