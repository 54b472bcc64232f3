//! A stream of replies over gRPC-Web.

use bytes::Bytes;
use http_body::Frame;
use platform::status::{self, Reason};

use super::{frames, public::public};
use crate::{body::Broken, call::Messages, stream::Life};

/// Frames for as long as a service sends messages.
#[derive(Debug)]
pub(super) struct Frames {
    messages: Messages,
    life: Life,
    is_text: bool,
}

// === impl Frames ===

impl Frames {
    pub(super) fn new(messages: Messages, life: Life, is_text: bool) -> Self {
        Self { messages, life, is_text }
    }

    /// The next frame; the last one says how it ended.
    pub(super) async fn next(
        this: Option<Self>,
    ) -> Option<(Result<Frame<Bytes>, Broken>, Option<Self>)> {
        let mut this = this?;
        let is_text = this.is_text;
        let next = tokio::select! {
            biased;
            why = this.life.ended() => Err(status::refuse_because(Reason::UNAVAILABLE, why)),
            next = this.messages.next() => next,
        };
        let (frame, rest) = match next {
            Ok(Some(message)) => (frames::message(&message), Some(this)),
            Ok(None) => (frames::trailers(&tonic::Status::ok("")), None),
            Err(status) => (frames::trailers(&public(&status)), None),
        };
        Some((Ok(Frame::data(frames::encode(frame, is_text))), rest))
    }
}
