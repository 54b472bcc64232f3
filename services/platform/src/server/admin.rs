//! The admin port: metrics and probes, for operators and not for the public.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use tower::{Service, service_fn};

use super::{accept::Asked, guard::Refusal};
use crate::telemetry::Telemetry;

/// What the admin port tells.
#[derive(Clone, Debug)]
pub(super) struct Admin {
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) is_ready: Arc<AtomicBool>,
}

// === impl Admin ===

impl Admin {
    /// The HTTP service.
    pub(super) fn into_service(
        self,
    ) -> impl Service<Asked, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static {
        service_fn(move |request: Asked| {
            let response = match Refusal::of(request.method(), request.uri()) {
                Some(refusal) => {
                    let (status, text) = refusal.as_text();
                    plain(StatusCode::from_u16(status).unwrap_or_default(), text)
                }
                None => self.answer(request.uri().path()),
            };
            std::future::ready(Ok(response))
        })
    }

    fn answer(&self, path: &str) -> Response<Full<Bytes>> {
        let (status, text) = match path {
            "/metrics" => (StatusCode::OK, self.telemetry.scrape()),
            "/livez" => (StatusCode::OK, "ok\n".to_owned()),
            "/readyz" if self.is_ready.load(Ordering::Relaxed) => {
                (StatusCode::OK, "ok\n".to_owned())
            }
            "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned()),
            _ => (StatusCode::NOT_FOUND, "/metrics /livez /readyz\n".to_owned()),
        };
        plain(status, text)
    }
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
