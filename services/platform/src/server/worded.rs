//! Every refusal has a reason, those that tonic makes itself included.
//!
//! tonic refuses what it cannot decode, what is too long and what it does not
//! know in words of its own, with codes that would blame us, and without details.

use std::{
    any::Any,
    convert::Infallible,
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::Map};
use http::{Request, Response};
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};

use crate::status::{self, Reason};

/// The layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worded;

/// The service made by [`Worded`].
#[derive(Clone, Debug)]
pub(super) struct WithReasons<S>(S);

type Answer = Result<Response<Body>, Infallible>;

impl<S> Layer<S> for Worded {
    type Service = WithReasons<S>;

    fn layer(&self, inner: S) -> WithReasons<S> {
        WithReasons(inner)
    }
}

impl<S, B> Service<Request<B>> for WithReasons<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Map<S::Future, fn(Answer) -> Answer>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.0.call(request).map(|answer: Answer| answer.map(with_reason))
    }
}

fn with_reason(response: Response<Body>) -> Response<Body> {
    let status = Status::from_header_map(response.headers());
    let reason = status.filter(|status| status.details().is_empty()).and_then(|s| reason(&s));
    reason.map_or(response, |reason| status::refuse(reason).into_http())
}

fn reason(status: &Status) -> Option<&'static Reason> {
    let is_too_long = status.message().contains("message length too large");
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted if is_too_long => {
            Some(Reason::PAYLOAD_TOO_LARGE)
        }
        Code::Unimplemented if status.message().contains("compress") => {
            Some(Reason::UNSUPPORTED_MEDIA_TYPE)
        }
        Code::Unimplemented => Some(Reason::METHOD_UNKNOWN),
        // The handlers' own carry details: what is left could not be decoded.
        Code::Internal | Code::InvalidArgument | Code::Unknown | Code::DataLoss => {
            Some(Reason::MALFORMED_REQUEST)
        }
        _ => None,
    }
}

/// Logs the words of a panic that ended a request.
pub fn log_panic(panic: &(dyn Any + Send)) {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = words.unwrap_or("unknown"), "a request panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_without_a_reason_get_one_and_others_keep_theirs() {
        for (status, expected) in [
            (Status::new(Code::Internal, "failed to decode Protobuf message"), "MALFORMED_REQUEST"),
            (Status::out_of_range("decoded message length too large"), "PAYLOAD_TOO_LARGE"),
            (Status::unimplemented(""), "METHOD_UNKNOWN"),
            (status::refuse(Reason::NOT_FOUND), "NOT_FOUND"),
            (status::refuse(Reason::INTERNAL), "INTERNAL"),
        ] {
            let response = with_reason(status.into_http());
            let told = Status::from_header_map(response.headers()).unwrap();
            assert_eq!(status::reason_of(&told).unwrap().code, expected);
        }
        let fine = with_reason(Response::new(Body::empty()));
        assert!(Status::from_header_map(fine.headers()).is_none());
    }
}
