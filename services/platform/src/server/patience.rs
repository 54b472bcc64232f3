//! A connection that says nothing at first, or does not listen, is closed.
//!
//! hyper's timeouts begin once a protocol is recognised. Before that a silent
//! socket, or half an HTTP/2 preface, would hold a connection for ever, and even
//! keep a graceful end waiting (hyperium/hyper#4170). And nothing in hyper ends
//! a client that sends requests and does not read the answers.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// An HTTP/2 preface; the shortest valid HTTP/1.1 request is longer.
const ENOUGH: usize = 24;

/// A stream that fails unless its first bytes arrive in time, and unless the
/// other side takes what is written, in time.
#[derive(Debug)]
pub(super) struct Patience<S> {
    inner: S,
    seen: usize,
    deadline: Pin<Box<Sleep>>,
    for_writes: Duration,
    /// Since when nothing could be written; none while writing goes on.
    stalled: Option<Pin<Box<Sleep>>>,
}

// === impl Patience ===

impl<S> Patience<S> {
    pub(super) fn new(inner: S, for_first_bytes: Duration, for_writes: Duration) -> Self {
        let deadline = Box::pin(sleep(for_first_bytes));
        Self { inner, seen: 0, deadline, for_writes, stalled: None }
    }

    /// Counts the time for which a write, or what follows from one, has to wait.
    fn wait<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let for_writes = self.for_writes;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(for_writes)));
        if stalled.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patience<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if this.seen < ENOUGH {
            this.seen += buffer.filled().len() - before;
            if polled.is_pending() && this.deadline.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patience<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.wait(cx, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        self.wait(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.wait(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.wait(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::pause,
    };

    use super::*;

    #[tokio::test]
    async fn silence_and_dripping_end_in_time_and_talk_goes_on() {
        pause();
        for said in [&b""[..], b"PRI * HTTP/2", b"GET / HTTP/1.1\r\nhost: x\r\n"] {
            let (mut client, server) = duplex(64);
            let mut server = Patience::new(server, Duration::from_secs(5), Duration::from_secs(30));
            client.write_all(said).await.unwrap();
            let mut heard = vec![0; said.len()];
            server.read_exact(&mut heard).await.unwrap();
            let more = tokio::time::timeout(Duration::from_mins(1), server.read_u8()).await;
            let is_cut = matches!(more, Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut);
            assert_eq!(is_cut, said.len() < ENOUGH, "{said:?}");
        }
    }

    #[tokio::test]
    async fn whoever_does_not_listen_is_left_and_whoever_listens_slowly_is_not() {
        pause();
        let (mut client, server) = duplex(64);
        let patience = Duration::from_secs(30);
        let mut server = Patience::new(server, patience, patience);
        let mut heard = [0; 64];
        for _ in 0..5 {
            server.write_all(&[1; 64]).await.unwrap();
            tokio::time::advance(Duration::from_secs(20)).await;
            client.read_exact(&mut heard).await.unwrap();
        }
        let error = server.write_all(&[1; 65]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
