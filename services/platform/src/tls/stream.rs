//! A connection as it is served: plain or TLS, and not the other one of the two.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use opentelemetry::KeyValue;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::server::Acceptor;
use crate::{fatal::causes, telemetry::OUTCOME};

/// From the first byte to the last of a handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// The first byte of everything that TLS sends at first.
const HANDSHAKE: u8 = 0x16;
/// For those who speak http where https is spoken.
const USE_HTTPS: &str = concat!(
    r#"{"type":"about:blank","title":"Bad Request","status":400,"#,
    r#""detail":"this port speaks https: begin the address with https://"}"#,
);

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Plain),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection without TLS, which ends if the other side begins with TLS.
#[derive(Debug)]
pub(crate) struct Plain {
    tcp: TcpStream,
    is_known: bool,
}

/// Why a connection did not become TLS.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("it speaks something else")]
    Plain,
    #[error("the handshake was not finished in time")]
    Late,
    #[error("{}", causes(.0))]
    Failed(#[from] io::Error),
}

// === impl Stream ===

impl Stream {
    /// Begins TLS if the port speaks it; none if that was refused, which is logged.
    pub(crate) async fn begin(tcp: TcpStream, tls: Option<&Acceptor>) -> Option<Self> {
        let Some(acceptor) = tls else { return Some(Self::Plain(Plain::new(tcp))) };
        let shaken = Box::pin(timeout(HANDSHAKE_WITHIN, shake_hands(tcp, acceptor))).await;
        let shaken = shaken.unwrap_or(Err(Refused::Late));
        acceptor.handshakes.add(1, &[KeyValue::new(OUTCOME, outcome(&shaken))]);
        match shaken {
            Ok(stream) => return Some(Self::Tls(Box::new(stream))),
            // On a port of services a stranger is worth a line; on a public port
            // there are many.
            Err(error) if acceptor.is_mutual => {
                tracing::warn!(%error, "a connection was refused");
            }
            Err(error) => tracing::debug!(%error, "a connection was refused"),
        }
        None
    }
}

async fn shake_hands(
    mut tcp: TcpStream,
    acceptor: &Acceptor,
) -> Result<TlsStream<TcpStream>, Refused> {
    let mut first = [0];
    let seen = tcp.peek(&mut first).await?;
    if seen == 1 && first != [HANDSHAKE] {
        send_on(&mut tcp).await?;
        return Err(Refused::Plain);
    }
    Ok(TlsAcceptor::from(acceptor.config()).accept(tcp).await?)
}

/// Answers a request that came without TLS, and waits until it was read.
async fn send_on(tcp: &mut TcpStream) -> io::Result<()> {
    let mut ignored = [0; 4096];
    let _length = tcp.read(&mut ignored).await?;
    let length = USE_HTTPS.len();
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{USE_HTTPS}"
    );
    tcp.write_all(answer.as_bytes()).await?;
    tcp.shutdown().await?;
    while tcp.read(&mut ignored).await? > 0 {}
    Ok(())
}

fn outcome(shaken: &Result<TlsStream<TcpStream>, Refused>) -> &'static str {
    match shaken {
        Ok(_) => "ok",
        Err(Refused::Plain) => "plain",
        Err(Refused::Late) => "timeout",
        Err(Refused::Failed(_)) => "failed",
    }
}

// === impl Plain ===

impl Plain {
    fn new(tcp: TcpStream) -> Self {
        Self { tcp, is_known: false }
    }
}

impl AsyncRead for Plain {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.tcp).poll_read(cx, buffer);
        if !this.is_known
            && let Some(first) = buffer.filled().get(before)
        {
            this.is_known = true;
            if *first == HANDSHAKE {
                tracing::info!("a connection was refused: it speaks TLS, and this port does not");
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
        }
        polled
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(&mut plain.tcp).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(&mut plain.tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(&mut plain.tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(&mut plain.tcp).poll_write_vectored(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(plain) => plain.tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }
}
