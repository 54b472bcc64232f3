//! Every call is answered by its deadline.
//!
//! tonic's own timeout answers CANCELLED and stops at the headers of the reply;
//! this one answers `DEADLINE_EXCEEDED` and covers the whole call.

use std::{
    convert::Infallible,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::{Layer, Service};

use super::until::Until;
use crate::{
    access::Contract,
    request_id::RequestContext,
    status::{self, Reason},
    upstream::DEFAULT_DEADLINE,
};

/// The layer. Methods that are not in the contract, health and reflection, stream
/// for as long as the caller likes, or until the process ends.
#[derive(Clone, Debug)]
pub(super) struct Deadline {
    pub(super) contract: Contract,
    /// Ends the streams.
    pub(super) quiet: CancellationToken,
}

/// The service made by [`Deadline`].
#[derive(Clone, Debug)]
pub(super) struct Timed<S> {
    layer: Deadline,
    inner: S,
}

/// The time that a caller allows (`grpc-timeout`: at most 8 digits and a unit).
pub fn requested_deadline(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = digits.len() <= 8 && digits.bytes().all(|digit| digit.is_ascii_digit());
    let value: u64 = digits.parse().ok().filter(|_| is_number)?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

impl<S> Layer<S> for Deadline {
    type Service = Timed<S>;

    fn layer(&self, inner: S) -> Timed<S> {
        Timed { layer: self.clone(), inner }
    }
}

impl<S, B> Service<Request<B>> for Timed<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.layer.contract.policy(request.uri().path()).is_none() {
            let (answer, quiet) = (self.inner.call(request), self.layer.quiet.clone());
            let until =
                |response: Response<Body>| response.map(|body| Body::new(Until::new(body, quiet)));
            return Box::pin(async move { answer.await.map(until) });
        }
        let left = RequestContext::current().and_then(|context| context.remaining());
        let answer = self.inner.call(request);
        Box::pin(async move {
            match timeout(left.unwrap_or(DEFAULT_DEADLINE), answer).await {
                Ok(answer) => answer,
                Err(_elapsed) => Ok(status::refuse(Reason::DEADLINE_EXCEEDED).into_http()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_the_protocol_says() {
        let read = |text: &str| {
            requested_deadline(
                &[("grpc-timeout".parse().unwrap(), text.parse().unwrap())].into_iter().collect(),
            )
        };
        assert_eq!(read("2H"), Some(Duration::from_hours(2)));
        assert_eq!(read("250m"), Some(Duration::from_millis(250)));
        assert_eq!(read("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for bad in ["", "m", "1", "1x", "-1S", "+1S", "123456789S", "1.5S"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
