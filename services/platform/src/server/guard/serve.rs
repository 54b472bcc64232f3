//! A service on one connection: its requests are counted, their bodies have to
//! come at a pace, and what is answered is known to be sent or not.

use std::{
    convert::Infallible,
    error::Error,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use tower::{Service, ServiceExt};

use super::{
    judge::{Credit, Patience},
    watch::{Active, Watch},
};

/// Serves the requests of one connection.
#[derive(Clone, Debug)]
pub(in super::super) struct Attended<S> {
    pub(in super::super) service: S,
    pub(in super::super) watch: Arc<Watch>,
    pub(in super::super) patience: Patience,
}

/// A body that has to come at a pace.
pub struct Paced<B> {
    inner: B,
    credit: Credit,
    watch: Arc<Watch>,
    /// Since when nothing came, and the end of patience.
    waiting: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// A body came too slowly.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body came too slowly")]
pub struct TooSlow;

/// A body of an answer, of which is known whether it was sent.
#[derive(Debug)]
pub(in super::super) struct Counted<B> {
    inner: B,
    active: Active,
    /// Of HTTP/1 the connection itself knows.
    is_http2: bool,
}

type Broken = Box<dyn Error + Send + Sync>;

// === impl Attended ===

impl<S, A, B> hyper::service::Service<Request<A>> for Attended<S>
where
    S: Service<Request<Paced<A>>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    A: Send + 'static,
    B: 'static,
{
    type Response = Response<Counted<B>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<A>) -> Self::Future {
        let active = Active::begin(&self.watch);
        let is_http2 = request.version() == Version::HTTP_2;
        let credit = self.patience.credit();
        let watch = Arc::clone(&self.watch);
        let request =
            request.map(|inner| Paced { inner, credit, watch, waiting: None, timer: None });
        let answer = self.service.clone().oneshot(request);
        Box::pin(async move {
            let response = answer.await?;
            Ok(response.map(|inner| Counted { inner, active, is_http2 }))
        })
    }
}

// === impl Paced ===

impl<B> Paced<B> {
    /// Whether a peer that sends nothing has to be left.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let left = self.credit.left();
        if self.waiting.is_none() {
            let now = Instant::now();
            self.waiting = Some(now);
            if let Some(timer) = &mut self.timer {
                timer.as_mut().reset(now + left);
            }
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(left)));
        timer.as_mut().poll(cx).is_ready()
    }
}

impl<B> fmt::Debug for Paced<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paced").field("credit", &self.credit).finish_non_exhaustive()
    }
}

impl<B> Body for Paced<B>
where
    B: Body<Data = Bytes, Error: Into<Broken>> + Unpin,
{
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Pending if this.is_late(cx) => {
                this.watch.dawdle();
                Poll::Ready(Some(Err(TooSlow.into())))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(frame) => {
                if let Some(since) = this.waiting.take() {
                    this.credit.spend(since.elapsed());
                }
                if let Some(Ok(frame)) = &frame {
                    this.credit.earn(frame.data_ref().map_or(0, Bytes::len) as u64);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

// === impl Counted ===

impl<B: Body<Data = Bytes> + Unpin> Body for Counted<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_frame(cx);
        if !this.is_http2 {
            return polled;
        }
        polled.map_ok(|frame| frame.map_data(|bytes| this.active.parcel(bytes)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{StreamExt, stream};
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    /// A body of so many bytes every second.
    fn drip(bytes: usize) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let drops = stream::unfold((), move |()| async move {
            sleep(Duration::from_secs(1)).await;
            Some((Ok(Frame::data(Bytes::from(vec![0; bytes]))), ()))
        });
        StreamBody::new(drops.take(60).boxed())
    }

    fn paced<B>(inner: B) -> Paced<B> {
        let (credit, watch) = (Patience::PUBLIC.credit(), Watch::start());
        Paced { inner, credit, watch, waiting: None, timer: None }
    }

    #[tokio::test]
    async fn bodies_that_drip_are_left_and_slow_ones_are_not() {
        tokio::time::pause();
        let started = Instant::now();
        let broken = paced(drip(100)).collect().await.unwrap_err();
        assert!(broken.is::<TooSlow>());
        assert!((9..15).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
        let whole = paced(drip(1024)).collect().await.unwrap();
        assert_eq!(whole.to_bytes().len(), 60 * 1024);
        let silent = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        let started = Instant::now();
        assert!(paced(silent).collect().await.unwrap_err().is::<TooSlow>());
        assert_eq!(started.elapsed().as_secs(), 10);
    }

    #[tokio::test]
    async fn what_came_at_once_earns_no_endless_patience() {
        tokio::time::pause();
        let first = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from(vec![0; 1 << 20])))]);
        let body = StreamBody::new(first.chain(stream::pending()).boxed());
        let started = Instant::now();
        assert!(paced(body).collect().await.unwrap_err().is::<TooSlow>());
        assert_eq!(started.elapsed().as_secs(), 10);
    }
}
