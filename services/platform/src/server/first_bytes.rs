//! A connection that says nothing is closed.
//!
//! hyper's timeouts begin once a protocol is recognised. Before that a silent
//! socket, or half an HTTP/2 preface, would hold a connection for ever, and even
//! keep a graceful end waiting (hyperium/hyper#4170).

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

/// A stream that fails unless its first bytes arrive in time.
#[derive(Debug)]
pub(super) struct FirstBytes<S> {
    inner: S,
    seen: usize,
    deadline: Pin<Box<Sleep>>,
}

// === impl FirstBytes ===

impl<S> FirstBytes<S> {
    pub(super) fn new(inner: S, within: Duration) -> Self {
        Self { inner, seen: 0, deadline: Box::pin(sleep(within)) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FirstBytes<S> {
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

impl<S: AsyncWrite + Unpin> AsyncWrite for FirstBytes<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
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
            let mut server = FirstBytes::new(server, Duration::from_secs(5));
            client.write_all(said).await.unwrap();
            let mut heard = vec![0; said.len()];
            server.read_exact(&mut heard).await.unwrap();
            let more = tokio::time::timeout(Duration::from_mins(1), server.read_u8()).await;
            let is_cut = matches!(more, Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut);
            assert_eq!(is_cut, said.len() < ENOUGH, "{said:?}");
        }
    }
}
