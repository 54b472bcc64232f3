//! A file as the messages of a call.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use super::refused::Refused;
use crate::{call::Rest, route::File, wire};

/// gRPC takes messages of 4 MiB; smaller ones take less memory on the way.
const PIECE: usize = 256 * 1024;
/// How long a service may take for a piece.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

const CONTENT_TYPE: u32 = 1;
const DATA: u32 = 2;

/// Sends pieces of a file; the first message has the parameters, too.
#[derive(Debug)]
pub(super) struct Sink<'a> {
    rest: &'a Rest,
    file: &'a File,
    parameters: Option<Bytes>,
}

/// A request that is one message: its parameters and a file.
pub(crate) fn whole(file: &File, parameters: Bytes, media_type: &str, data: &[u8]) -> Bytes {
    let mut message = BytesMut::from(parameters);
    append(&mut message, file, media_type, data);
    message.freeze()
}

// === impl Sink ===

impl<'a> Sink<'a> {
    pub(super) fn new(rest: &'a Rest, file: &'a File, parameters: Bytes) -> Self {
        Self { rest, file, parameters: Some(parameters) }
    }

    /// Sends some of a file, once the service has taken what was sent before.
    pub(super) async fn send(&mut self, media_type: &str, data: &[u8]) -> Result<(), Refused> {
        for piece in data.chunks(PIECE) {
            let message = self.message(media_type, piece);
            let sent = timeout(TAKEN_WITHIN, self.rest.send(message)).await;
            if !sent.map_err(|_elapsed| Refused::Stalled)? {
                // The call has ended already, and its answer says how.
                std::future::pending::<()>().await;
            }
        }
        Ok(())
    }

    /// Says that this was the whole file. An empty one has a type, too.
    pub(super) async fn end(&mut self, media_type: &str) -> Result<(), Refused> {
        if self.parameters.is_some() {
            let message = self.message(media_type, b"");
            self.rest.send(message).await;
        }
        timeout(TAKEN_WITHIN, self.rest.end()).await.map_err(|_elapsed| Refused::Stalled)
    }

    fn message(&mut self, media_type: &str, data: &[u8]) -> Bytes {
        match self.parameters.take() {
            Some(parameters) => whole(self.file, parameters, media_type, data),
            None => whole(self.file, Bytes::new(), "", data),
        }
    }
}

/// Appends a `google.api.HttpBody`, or the fields of one.
fn append(message: &mut BytesMut, file: &File, media_type: &str, data: &[u8]) {
    let texts = [(CONTENT_TYPE, media_type.as_bytes()), (DATA, data)];
    let fields = texts.into_iter().filter(|(_, bytes)| !bytes.is_empty());
    if let Some(field) = &file.field {
        let length = fields.clone().map(|(number, bytes)| wire::encoded_len(number, bytes.len()));
        let length = length.sum::<usize>();
        message.reserve(wire::encoded_len(field.number(), length));
        wire::append_head(message, field.number(), length);
    }
    for (number, bytes) in fields {
        wire::append(message, number, bytes);
    }
}
