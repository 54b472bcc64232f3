//! Refusals that cost next to nothing: before a request has an id, a span or a
//! future of its own.
//!
//! Under five times the load that can be carried, four of five requests are
//! refused, and what each of them costs is missing for the fifth.

use std::{
    convert::Infallible,
    task::{Context, Poll},
    time::Instant,
};

use futures_util::future::{Either, Ready, ready};
use http::{Request, Response};
use tower::{Layer, Service};

use super::observe::Observe;

/// The layer, outside of [`Observe`], which counts what is refused.
#[derive(Clone, Debug)]
pub(super) struct Early<R> {
    pub(super) observe: Observe,
    pub(super) refuse: R,
}

/// The service made by [`Early`].
#[derive(Clone, Debug)]
pub(super) struct Refusing<R, S> {
    layer: Early<R>,
    inner: S,
}

impl<R: Clone, S> Layer<S> for Early<R> {
    type Service = Refusing<R, S>;

    fn layer(&self, inner: S) -> Refusing<R, S> {
        Refusing { layer: self.clone(), inner }
    }
}

impl<R, S, A, B> Service<Request<A>> for Refusing<R, S>
where
    S: Service<Request<A>, Response = Response<B>, Error = Infallible>,
    R: Fn(&Request<A>) -> Option<Response<B>>,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response<B>, Infallible>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let started = Instant::now();
        let Early { observe, refuse } = &self.layer;
        match refuse(&request) {
            Some(response) => {
                observe.count(&request, &response, started.elapsed());
                Either::Left(ready(Ok(response)))
            }
            None => Either::Right(self.inner.call(request)),
        }
    }
}
