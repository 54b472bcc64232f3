//! A body that ends when the process does: health watchers and reflection would
//! otherwise keep it for as long as they like.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;

/// A body of a stream, until it is told to end.
pub(super) struct Until<B> {
    inner: Pin<Box<B>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    has_ended: bool,
}

// === impl Until ===

impl<B> Until<B> {
    pub(super) fn new(inner: B, stop: CancellationToken) -> Self {
        Self { inner: Box::pin(inner), stop: Box::pin(stop.cancelled_owned()), has_ended: false }
    }
}

impl<B: Body<Data = Bytes>> Body for Until<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let polled = self.inner.as_mut().poll_frame(cx);
        if polled.is_pending() && self.stop.as_mut().poll(cx).is_ready() {
            self.has_ended = true;
            let mut trailers = HeaderMap::new();
            let status = Status::unavailable("the service is stopping");
            return Poll::Ready(match status.add_header(&mut trailers) {
                Ok(()) => Some(Ok(Frame::trailers(trailers))),
                Err(_unprintable) => None,
            });
        }
        polled
    }
}
