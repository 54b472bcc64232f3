//! The frames of gRPC-Web: messages, and the trailers that HTTP/1.1 and browsers do
//! not have, as the last frame (`PROTOCOL-WEB.md` of gRPC).

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use platform::status::{self, Reason};
use tonic::Status;

use crate::{Response, body::Outgoing};

const BINARY: HeaderValue = HeaderValue::from_static("application/grpc-web+proto");
const TEXT: HeaderValue = HeaderValue::from_static("application/grpc-web-text+proto");

const MESSAGE: u8 = 0;
const TRAILERS: u8 = 0x80;
const HEAD: usize = 5;

/// An answer of whole frames.
pub(super) fn answer(frames: Bytes, is_text: bool) -> Response {
    begin(encode(frames, is_text).into(), is_text)
}

/// An answer in one protocol or the other.
pub(super) fn begin(body: Outgoing, is_text: bool) -> Response {
    let mut response = Response::new(body);
    let media_type = if is_text { TEXT } else { BINARY };
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}

/// An answer of nothing but a refusal. HTTP's own status says that there is one.
pub(super) fn refusal(status: &Status, is_text: bool) -> Response {
    answer(trailers(status), is_text)
}

/// A message and the end.
pub(super) fn whole(message: &Bytes) -> Bytes {
    let mut frames = BytesMut::from(self::message(message));
    frames.extend_from_slice(&trailers(&Status::ok("")));
    frames.freeze()
}

/// A message as a frame.
pub(super) fn message(message: &[u8]) -> Bytes {
    frame(MESSAGE, message)
}

/// The last frame: how the call ended.
pub(super) fn trailers(status: &Status) -> Bytes {
    let mut headers = HeaderMap::new();
    if status.add_header(&mut headers).is_err() {
        headers.insert("grpc-status", HeaderValue::from(i32::from(status.code())));
    }
    let mut lines = Vec::new();
    for (name, value) in &headers {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    frame(TRAILERS, &lines)
}

/// Frames as they are sent.
pub(super) fn encode(frames: Bytes, is_text: bool) -> Bytes {
    if is_text { STANDARD.encode(&frames).into() } else { frames }
}

fn frame(kind: u8, content: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEAD + content.len());
    frame.put_u8(kind);
    // No message comes near the length that does not fit.
    frame.put_u32(u32::try_from(content.len()).unwrap_or(u32::MAX));
    frame.extend_from_slice(content);
    frame.freeze()
}

/// The one message of a request.
pub(super) fn only_message(body: &Bytes, is_text: bool) -> Result<Bytes, Status> {
    let malformed = |detail| status::refuse_because(Reason::MALFORMED_REQUEST, detail);
    let body = if is_text {
        decode_text(body).ok_or_else(|| malformed("the body is not base64"))?
    } else {
        body.clone()
    };
    let one = || malformed("the body is not one frame with one message");
    let (head, content) = body.split_at_checked(HEAD).ok_or_else(one)?;
    let [kind, length @ ..] = head else { return Err(one()) };
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    match *kind {
        MESSAGE if content.len() == length => Ok(body.slice(HEAD..)),
        1 => Err(malformed("compressed messages are not understood; send them as they are")),
        _ => Err(one()),
    }
}

/// Base64 whose padding may come between two pieces as well.
fn decode_text(body: &[u8]) -> Option<Bytes> {
    let mut decoded = Vec::with_capacity(body.len() / 4 * 3);
    for group in body.split_inclusive(|byte| *byte == b'=') {
        // The second sign of a padding stands alone.
        if group != b"=" {
            let ended = group.iter().take_while(|byte| **byte != b'=').copied();
            let ended: Vec<u8> = ended.collect();
            decoded.extend(base64::engine::general_purpose::STANDARD_NO_PAD.decode(ended).ok()?);
        }
    }
    Some(decoded.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_frame() {
        let body = message(b"abc");
        assert_eq!(only_message(&body, false).unwrap(), "abc");
        assert_eq!(only_message(&encode(body.clone(), true), true).unwrap(), "abc");
        let pieces = [STANDARD.encode(&body[..4]), STANDARD.encode(&body[4..])].concat();
        assert_eq!(only_message(&pieces.into(), true).unwrap(), "abc");
        for wrong in [
            &b""[..],
            &body[..7],
            &[&body[..], b"x"].concat(),
            &body.repeat(2),
            b"\x01\0\0\0\0",
            b"\x80\0\0\0\0",
        ] {
            assert!(only_message(&Bytes::copy_from_slice(wrong), false).is_err(), "{wrong:?}");
        }
        assert!(only_message(&Bytes::from_static(b"!"), true).is_err());
    }

    #[test]
    fn the_end_says_how_it_went() {
        assert_eq!(&trailers(&Status::ok(""))[..], b"\x80\0\0\0\x10grpc-status: 0\r\n");
        let refused = trailers(&status::refuse(Reason::NOT_FOUND));
        let text = String::from_utf8_lossy(&refused[5..]).into_owned();
        assert!(
            text.contains("grpc-status: 5\r\n") && text.contains("grpc-status-details-bin: "),
            "{text}"
        );
    }
}
