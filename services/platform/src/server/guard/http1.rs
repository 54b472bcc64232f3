//! A connection of HTTP/1 as a row of messages: which bytes may pass to hyper.

use super::{
    chunks::Chunks,
    fault::Fault,
    head::{Framing, Head},
};

/// Where a connection is.
#[derive(Debug)]
pub(super) enum Http1 {
    /// Between two messages, or inside a head.
    Head(Head),
    /// Inside a body with so many bytes left.
    Length(u64),
    /// Inside a chunked body.
    Chunked(Box<Chunks>),
    /// A body broke the rules of its chunks: where the next message begins is
    /// anybody's guess.
    Broken,
    /// A head was refused: nothing that follows is looked at.
    Refused,
}

/// What becomes of bytes that arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// So many may pass.
    Bytes(usize),
    /// The head is not complete.
    Wait,
    /// The head is refused.
    Refuse(Fault),
}

// === impl Http1 ===

impl Http1 {
    pub(super) fn new() -> Self {
        Self::Head(Head::default())
    }

    /// Whether the next bytes belong to a body.
    pub(super) fn is_in_body(&self) -> bool {
        matches!(self, Self::Length(_) | Self::Chunked(_))
    }

    /// Looks at all bytes that arrived and did not pass yet. What follows the end
    /// of a message is left for the next time.
    pub(super) fn look(&mut self, bytes: &[u8]) -> Pass {
        let Self::Head(head) = self else { return Pass::Bytes(self.follow(bytes)) };
        match head.read(bytes) {
            Ok(None) => Pass::Wait,
            Ok(Some((length, framing))) => {
                *self = match framing {
                    Framing::Length(0) => Self::new(),
                    Framing::Length(length) => Self::Length(length),
                    Framing::Chunked => Self::Chunked(Box::default()),
                };
                let body = bytes.get(length..).filter(|_| self.is_in_body()).unwrap_or_default();
                Pass::Bytes(length + self.follow(body))
            }
            Err(fault) => {
                *self = Self::Refused;
                Pass::Refuse(fault)
            }
        }
    }

    /// Follows a body; returns how many of the bytes belong to it.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::Length(left) => {
                let taken = usize::try_from(*left).map_or(bytes.len(), |it| it.min(bytes.len()));
                *left -= taken as u64;
                if *left == 0 {
                    *self = Self::new();
                }
                taken
            }
            Self::Chunked(chunks) => match chunks.follow(bytes) {
                Ok(taken) => {
                    if chunks.is_done() {
                        *self = Self::new();
                    }
                    taken
                }
                Err(_fault) => {
                    *self = Self::Broken;
                    0
                }
            },
            Self::Head(_) | Self::Broken | Self::Refused => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

    /// What passes when bytes arrive in pieces of a size.
    fn passed(bytes: &[u8], piece: usize) -> (Vec<u8>, Option<Fault>) {
        let (mut http1, mut held, mut passed) = (Http1::new(), Vec::new(), Vec::new());
        for piece in bytes.chunks(piece) {
            held.extend_from_slice(piece);
            while !held.is_empty() {
                match http1.look(&held) {
                    Pass::Bytes(0) | Pass::Wait => break,
                    Pass::Bytes(length) => passed.extend(held.drain(..length)),
                    Pass::Refuse(fault) => return (passed, Some(fault)),
                }
            }
        }
        (passed, None)
    }

    #[test]
    fn messages_pass_whole_however_they_arrive_and_refusals_come_in_their_turn() {
        let length = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nGET /";
        let chunked = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n";
        let good = [GET, length, chunked, GET, chunked, length].concat();
        let bad = format!("{good}GET / HTTP/1.1\nhost: a\n\n{GET}");
        for piece in 1..=good.len() {
            assert_eq!(passed(good.as_bytes(), piece), (good.clone().into(), None), "{piece}");
            let expected = (good.clone().into(), Some(Fault::LineEnd));
            assert_eq!(passed(bad.as_bytes(), piece), expected, "{piece}");
        }
    }

    #[test]
    fn nothing_passes_after_a_broken_body() {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let bytes = format!("{head}5\nGET / HTTP/1.1\r\n");
        let mut http1 = Http1::new();
        assert_eq!(http1.look(bytes.as_bytes()), Pass::Bytes(head.len()));
        assert!(matches!(http1, Http1::Broken));
        assert_eq!(http1.look(GET.as_bytes()), Pass::Bytes(0));
    }
}
