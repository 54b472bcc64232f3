//! The stream that hyper reads and writes.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    http1::{Http1, Pass},
    http2::Http2,
    judge::Patience,
    watch::Watch,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What is read at once while a head may be in it.
const PIECE: usize = 4 * 1024;
/// What is thrown away behind a refused head, so that the client hears why
/// instead of being reset while it still writes.
const LINGERING: usize = 256 * 1024;

/// A stream of which only what was checked passes.
#[derive(Debug)]
pub(in super::super) struct Guard<S> {
    inner: S,
    watch: Arc<Watch>,
    patience: Patience,
    protocol: Protocol,
    /// What arrived and did not pass yet.
    held: BytesMut,
    /// How much of it may pass.
    ready: usize,
    /// Whether all of it was looked at.
    is_looked_at: bool,
    lingering: usize,
}

#[derive(Debug)]
enum Protocol {
    Unknown,
    Http1(Http1),
    Http2(Box<Http2>),
}

// === impl Guard ===

impl<S> Guard<S> {
    pub(in super::super) fn new(inner: S, watch: Arc<Watch>, patience: Patience) -> Self {
        Self {
            inner,
            watch,
            patience,
            protocol: Protocol::Unknown,
            held: BytesMut::new(),
            ready: 0,
            is_looked_at: true,
            lingering: LINGERING,
        }
    }

    /// Looks at what arrived.
    fn look(&mut self) -> io::Result<()> {
        self.is_looked_at = true;
        if matches!(self.protocol, Protocol::Unknown) {
            let length = self.held.len().min(PREFACE.len());
            let is_preface = self.held.get(..length) == PREFACE.get(..length);
            if is_preface && length < PREFACE.len() {
                return Ok(());
            }
            self.watch.know(is_preface);
            self.protocol = if is_preface {
                self.ready = PREFACE.len();
                Protocol::Http2(Box::new(Http2::new(self.patience, Arc::clone(&self.watch))))
            } else {
                Protocol::Http1(Http1::new())
            };
        }
        match &mut self.protocol {
            Protocol::Unknown => {}
            Protocol::Http2(http2) => {
                http2.read(self.held.get(self.ready..).unwrap_or_default())?;
                self.ready = self.held.len();
            }
            Protocol::Http1(http1) => match http1.look(&self.held) {
                Pass::Wait => self.watch.begin_head(),
                Pass::Bytes(length) => {
                    self.ready = length;
                    self.watch.end_head();
                }
                Pass::Refuse(fault) => {
                    self.held.clear();
                    self.held.extend_from_slice(fault.request().as_bytes());
                    self.ready = self.held.len();
                    self.watch.end_head();
                }
            },
        }
        Ok(())
    }

    /// Passes on what may pass.
    fn pass(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = self.ready.min(buffer.remaining());
        buffer.put_slice(self.held.get(..length).unwrap_or_default());
        self.held.advance(length);
        self.ready -= length;
        // What is left belongs to the next message.
        self.is_looked_at = self.ready > 0 || self.held.is_empty();
    }
}

impl<S: AsyncRead + Unpin> Guard<S> {
    /// Reads bytes that need not be held back: those of HTTP/2 and of bodies.
    fn poll_direct(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        match &mut self.protocol {
            Protocol::Http2(http2) => http2.read(bytes)?,
            Protocol::Http1(http1) => {
                let passed = http1.follow(bytes);
                let rest = bytes.get(passed..).unwrap_or_default();
                if rest.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                self.held.extend_from_slice(rest);
                self.is_looked_at = false;
                buffer.set_filled(before + passed);
                if passed == 0 {
                    return self.poll_held(cx, buffer);
                }
            }
            Protocol::Unknown => {}
        }
        Poll::Ready(Ok(()))
    }

    /// Reads bytes that may not pass before they were looked at.
    fn poll_held(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match &self.protocol {
                _ if self.ready > 0 => {
                    self.pass(buffer);
                    return Poll::Ready(Ok(()));
                }
                Protocol::Http1(Http1::Broken) => {
                    return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                }
                // The refusal is on its way, and the last thing to be said.
                Protocol::Http1(Http1::Refused) => return Poll::Pending,
                _ => {}
            }
            if self.is_looked_at && ready!(self.poll_more(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
            self.look()?;
        }
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut piece = [MaybeUninit::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut piece);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut piece))?;
        self.held.extend_from_slice(piece.filled());
        Poll::Ready(Ok(piece.filled().len()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let is_direct = match &this.protocol {
            Protocol::Unknown => false,
            Protocol::Http1(http1) => http1.is_in_body(),
            Protocol::Http2(_) => true,
        };
        if is_direct && this.held.is_empty() {
            return this.poll_direct(cx, buffer);
        }
        this.poll_held(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> Guard<S> {
    /// Notes what became of a write.
    fn note<T>(&mut self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.watch.block(polled.is_pending());
        polled
    }

    /// Notes the bytes that went out of those that should.
    fn wrote(&mut self, length: usize, parts: &[io::IoSlice<'_>]) {
        let mut left = length;
        let taken = match &mut self.protocol {
            Protocol::Http2(http2) => parts
                .iter()
                .map_while(|part| {
                    let sent = part.get(..left.min(part.len())).filter(|_| left > 0)?;
                    left -= sent.len();
                    Some(http2.wrote(sent))
                })
                .sum(),
            Protocol::Unknown | Protocol::Http1(_) => length as u64,
        };
        self.watch.take(taken);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_write(cx, bytes);
        let length = ready!(this.note(polled))?;
        this.wrote(length, &[io::IoSlice::new(bytes)]);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_flush(cx);
        this.note(polled)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.watch.close();
        ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
        if !matches!(this.protocol, Protocol::Http1(Http1::Refused)) {
            return Poll::Ready(Ok(()));
        }
        while this.lingering > 0 {
            this.held.clear();
            match ready!(this.poll_more(cx))? {
                0 => break,
                length => this.lingering = this.lingering.saturating_sub(length),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_write_vectored(cx, bytes);
        let length = ready!(this.note(polled))?;
        this.wrote(length, bytes);
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
