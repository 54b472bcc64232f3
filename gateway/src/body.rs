//! Bodies that are there already, and bodies that come bit by bit.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Full, combinators::UnsyncBoxBody};

/// Why a body broke off.
pub(crate) type Broken = Box<dyn Error + Send + Sync>;
/// What a client sends.
pub(crate) type Incoming = UnsyncBoxBody<Bytes, Broken>;

/// What a client is answered.
pub(crate) enum Outgoing {
    /// All of it.
    Whole(Full<Bytes>),
    /// A stream that goes on while it is sent.
    Stream(UnsyncBoxBody<Bytes, Broken>),
}

// === impl Outgoing ===

impl Outgoing {
    /// All of the body, if it is there.
    pub(crate) fn whole(&self) -> Option<Bytes> {
        match self {
            // Bytes are shared, not copied.
            Self::Whole(body) => Some(body.clone().into_inner().unwrap_or_default()),
            Self::Stream(_) => None,
        }
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

impl<T: Into<Bytes>> From<T> for Outgoing {
    fn from(bytes: T) -> Self {
        Self::Whole(Full::new(bytes.into()))
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outgoing").field(&self.size_hint()).finish()
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Stream(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Stream(body) => body.size_hint(),
        }
    }
}
