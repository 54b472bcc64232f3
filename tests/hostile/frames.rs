//! HTTP/2 by hand: what no client would send.

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
const SENTINEL: &[u8; 8] = b"sentinel";

/// A frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// The beginning of a connection.
pub(crate) fn hello() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frame(SETTINGS, ACK, 0, &[])].concat()
}

/// A ping whose answer says that everything before it was read.
pub(crate) fn sentinel() -> Vec<u8> {
    frame(PING, 0, 0, SENTINEL)
}

/// Headers, each spelled out (RFC 7541, section 6.2.2).
pub(crate) fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            integer(&mut block, text.len());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// An integer of a 7-bit prefix.
fn integer(block: &mut Vec<u8>, number: usize) {
    if number < 127 {
        block.push(u8::try_from(number).unwrap());
        return;
    }
    block.push(127);
    let mut rest = number - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

/// The pseudo-headers of a request.
pub(crate) fn request<'a>(method: &'a str, path: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path)]
}

/// The frames in what a server said: kind, flags and stream.
pub(crate) fn heard(mut bytes: &[u8]) -> Vec<(u8, u8, u32)> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, flags, s, t, u, v, rest @ ..] = bytes {
        let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).unwrap();
        let Some(rest) = rest.get(length..) else { break };
        frames.push((*kind, *flags, u32::from_be_bytes([*s, *t, *u, *v])));
        bytes = rest;
    }
    frames
}

/// Whether everything was read, or the connection is over.
pub(crate) fn is_read(bytes: &[u8]) -> bool {
    let is_over =
        |(kind, flags, _): &(u8, u8, u32)| *kind == GOAWAY || (*kind == PING && *flags == ACK);
    heard(bytes).iter().any(is_over)
}

/// Whether the first request was answered, or the connection is over.
pub(crate) fn is_answered(bytes: &[u8]) -> bool {
    heard(bytes).iter().any(|(kind, flags, stream)| match *kind {
        GOAWAY => true,
        RST_STREAM => *stream == 1,
        DATA | HEADERS => *stream == 1 && flags & END_STREAM != 0,
        _ => false,
    })
}
