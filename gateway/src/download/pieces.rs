//! The body of a file, piece by piece.

use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;

use crate::{
    body::Broken,
    call::Messages,
    stream::Seat,
    wire::{self, Malformed, Value},
};

/// How long a service may be silent.
const SILENT: Duration = Duration::from_secs(30);

const CONTENT_TYPE: u32 = 1;
const DATA: u32 = 2;

/// A `google.api.HttpBody`.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) content_type: String,
    pub(super) data: Bytes,
}

/// What is still to come of a file.
#[derive(Debug)]
pub(super) struct Pieces {
    first: Option<Bytes>,
    messages: Messages,
    /// How many bytes there must be, if the client was told.
    left: Option<u64>,
    _seat: Seat,
}

// === impl File ===

impl File {
    pub(super) fn read(message: &Bytes) -> Result<Self, Malformed> {
        let mut file = Self::default();
        for field in wire::fields(message) {
            let field = field?;
            match (field.number, field.value) {
                (CONTENT_TYPE, Value::Bytes(text)) => {
                    file.content_type = String::from_utf8_lossy(text).into_owned();
                }
                (DATA, Value::Bytes(data)) => file.data = message.slice_ref(data),
                _ => {}
            }
        }
        Ok(file)
    }
}

// === impl Pieces ===

impl Pieces {
    pub(super) fn new(first: Bytes, messages: Messages, left: Option<u64>, seat: Seat) -> Self {
        Self { first: Some(first), messages, left, _seat: seat }
    }

    /// The next piece. After an error there is none: the connection is given up, so
    /// that half a file does not look like a short one.
    pub(super) async fn next(
        this: Option<Self>,
    ) -> Option<(Result<Frame<Bytes>, Broken>, Option<Self>)> {
        let mut this = this?;
        match this.piece().await {
            Ok(Some(data)) => Some((Ok(Frame::data(data)), Some(this))),
            Ok(None) => None,
            Err(broken) => {
                tracing::warn!(error = broken, "a file broke off");
                Some((Err(broken), None))
            }
        }
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, Broken> {
        loop {
            let data = match self.first.take() {
                Some(first) => first,
                None => match self.messages.next_within(SILENT).await? {
                    Some(message) => File::read(&message)?.data,
                    None if self.left.unwrap_or(0) > 0 => {
                        return Err("the file is too short".into());
                    }
                    None => return Ok(None),
                },
            };
            let length = u64::try_from(data.len())?;
            self.left = match self.left.map(|left| left.checked_sub(length)) {
                Some(None) => return Err("the file is too long".into()),
                left => left.flatten(),
            };
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }
}
