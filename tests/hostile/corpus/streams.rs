//! Connections of HTTP/2 that break its rules.

use crate::{
    frames::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, SETTINGS, block, frame, hello,
        request, sentinel,
    },
    random::Random,
};

const STREAMS: [u32; 8] = [0, 1, 2, 3, 5, 0x7fff_ffff, 0x8000_0001, 101];

/// A connection with a few frames, the last of which asks whether it still lives.
pub(crate) fn streams(random: &mut Random) -> Vec<u8> {
    let mut bytes = hello();
    if random.once_in(30) {
        random.spoil(&mut bytes);
    }
    for _ in 0..=random.below(6) {
        let stream = STREAMS[random.below(STREAMS.len())];
        let frame = match random.below(6) {
            0 => odd_request(random, stream | 1),
            1 => settings(random),
            2 => frame(HEADERS, 5, stream, &random.bytes(30)),
            3 => {
                let begin = frame(HEADERS, END_STREAM, 1, &block(&request("GET", "/api/posts")));
                let length = random.below(20);
                [begin, frame(CONTINUATION, random.byte(), stream, &random.bytes(length))].concat()
            }
            _ => {
                let (kind, flags) = (u8::try_from(random.below(20)).unwrap(), random.byte());
                let length = random.below(40);
                frame(kind, flags, stream, &random.bytes(length))
            }
        };
        bytes.extend(frame);
    }
    if random.once_in(4) {
        random.spoil(&mut bytes);
    }
    // Whatever the rest is, no other input is the same.
    bytes.extend(frame(30, 0, 0, random.word().as_bytes()));
    bytes.extend(sentinel());
    bytes
}

fn settings(random: &mut Random) -> Vec<u8> {
    let mut payload = Vec::new();
    for _ in 0..random.below(5) {
        payload.extend([0, u8::try_from(random.below(12)).unwrap()]);
        payload.extend(random.bytes(4));
    }
    payload.truncate(payload.len() - if random.once_in(8) { payload.len() % 5 } else { 0 });
    frame(SETTINGS, 0, 0, &payload)
}

/// A request whose headers are not a request's.
fn odd_request(random: &mut Random, stream: u32) -> Vec<u8> {
    let mut headers = request("GET", "/api/posts");
    let word = random.word();
    let odd = [
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("keep-alive", "1"),
        ("proxy-connection", "x"),
        ("te", "gzip"),
        ("host", "other"),
        ("X-Upper", "a"),
        ("x y", "a"),
        ("", "a"),
        (":path", "/"),
        (":status", "200"),
        (":protocol", "websocket"),
        (":made-up", "a"),
        ("content-length", "5"),
        ("content-length", "-1"),
        ("x", "a\r\nb"),
        ("x", "a\0b"),
        ("x", " a "),
        ("cookie", "a=b"),
        ("x", word.as_str()),
    ];
    for _ in 0..=random.below(3) {
        let at = if random.once_in(4) { random.below(headers.len() + 1) } else { headers.len() };
        headers.insert(at, odd[random.below(odd.len())]);
    }
    if random.once_in(4) {
        headers.remove(random.below(headers.len()));
    }
    if random.once_in(10) {
        headers.extend(vec![("x-many", word.as_str()); random.below(900)]);
    }
    let mut block = block(&headers);
    if random.once_in(4) {
        random.spoil(&mut block);
    }
    block.truncate(16_000);
    let is_whole = random.once_in(2);
    let flags = END_HEADERS | if is_whole { END_STREAM } else { 0 };
    let head = frame(HEADERS, flags, stream, &block);
    let body = if is_whole { Vec::new() } else { frame(DATA, END_STREAM, stream, b"{}") };
    [head, body].concat()
}
