//! Heads of HTTP/1.

use std::fmt::Write as _;

use crate::random::Random;

const SMUGGLED: &str = "GET /api/posts HTTP/1.1\r\nhost: smuggled\r\n\r\n";
const NAUGHTY: &[&[u8]] = &[
    b"\0",
    b"\x01",
    b"\x08",
    b"\x0b",
    b"\x0c",
    b"\x1b[31m",
    b"\x7f",
    b"\xff\xfe",
    b"\xc0\xaf",
    b"\r",
    b"\n",
    b"\r\n x",
    b"\xe2\x80\xae",
    b"%0d%0aset-cookie: a=b",
    b"${jndi:ldap://a}",
    b"() { :;}; x",
    b"' OR 1=1 --",
    b"<script>",
    b"\"",
    b"\\",
    b";",
    b",",
    b"=",
    b"{{7*7}}",
    b"\xf0\x9f\x92\xa9",
    b"NaN",
    b"-1",
    b"99999999999999999999",
    b"",
];
const NAMES: &[&str] = &[
    "accept",
    "accept-language",
    "authorization",
    "cookie",
    "content-type",
    "content-encoding",
    "expect",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "idempotency-key",
    "origin",
    "sec-fetch-site",
    "x-request-id",
    "traceparent",
    "tracestate",
    "x-forwarded-for",
    "forwarded",
    "x-forwarded-proto",
    "range",
    "upgrade",
    "connection",
    "te",
    "referer",
    "user-agent",
    "grpc-timeout",
    "priority",
    "last-event-id",
    "prefer",
    "x",
];

/// Heads with something wrong anywhere in them.
pub(crate) fn heads(random: &mut Random) -> Vec<u8> {
    let method = random.pick(&["GET", "POST", "DELETE", "PATCH", "OPTIONS", "get", "M-SEARCH"]);
    let target = random.pick(&["/api/posts", "/", "*", "/healthz", "http://localhost/api/posts"]);
    let version = random.pick(&["1.1", "1.1", "1.0", "0.9", "1.2", "2.0", "11", "1.1 "]);
    let word = random.word();
    let mut head = format!("{method} {target}?{word} HTTP/{version}\r\nhost: localhost\r\n");
    for _ in 0..random.below(4) {
        let (name, value) = (random.pick(NAMES), random.word());
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    if random.once_in(20) {
        write!(head, "x: {}\r\n", "y".repeat(random.below(40_000))).unwrap();
    }
    if random.once_in(20) {
        head.push_str(&"x: y\r\n".repeat(random.below(200)));
    }
    head.push_str("\r\n");
    let mut head = head.into_bytes();
    random.spoil(&mut head);
    head
}

/// Headers whose values are not what one hopes for.
pub(crate) fn values(random: &mut Random) -> Vec<u8> {
    let path = random.pick(&["/api/posts", "/api/users/me", "/", "/api/nope"]);
    let mut head =
        format!("GET {path}?{} HTTP/1.1\r\nhost: localhost\r\n", random.word()).into_bytes();
    for _ in 0..=random.below(3) {
        head.extend_from_slice(random.pick(NAMES).as_bytes());
        head.extend_from_slice(b": ");
        for _ in 0..=random.below(3) {
            head.extend_from_slice(random.pick(NAUGHTY));
            let word = random.word();
            head.extend_from_slice(word.as_bytes());
        }
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"connection: close\r\n\r\n");
    head
}

/// Requests that two programs would cut at different places: one answer each,
/// which refuses, and then the end.
pub(crate) fn smuggled(random: &mut Random) -> Vec<u8> {
    let length = SMUGGLED.len();
    let space = random.pick(&[" ", "", "\t", "  "]);
    let length_at = |value: String| format!("content-length:{space}{value}");
    let coding_at = |value: &str| format!("transfer-encoding:{space}{value}");
    let odd = random.pick(&[
        "gzip",
        "identity",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "xchunked",
        "\"chunked\"",
        "chunked;q=1",
        "chunke",
        "chunked,",
        ",chunked",
        "x\u{a0}chunked",
    ]);
    let fields = match random.below(14) {
        0 => [length_at(length.to_string()), coding_at("chunked")].join("\r\n"),
        1 => [coding_at("chunked"), length_at("4".to_owned())].join("\r\n"),
        2 => [length_at("0".to_owned()), length_at(length.to_string())].join("\r\n"),
        3 => [length_at(length.to_string()), length_at(length.to_string())].join("\r\n"),
        4 => length_at(format!("{length}, {length}")),
        5 => length_at(format!("{}{length}", random.pick(&["+", "-", "0x", "0,", "\u{a0}"]))),
        6 => length_at(format!("{length}{}", random.pick(&[" 0", ",", ".0", "e1", ";", "a"]))),
        7 => coding_at(odd),
        8 => [coding_at("chunked"), coding_at(random.pick(&["chunked", "identity", "x"]))]
            .join("\r\n"),
        9 => format!("{} : chunked", random.pick(&["transfer-encoding", "content-length"])),
        10 => format!("x: y\r\n {}", coding_at("chunked")),
        11 => format!("x: y\n{}", coding_at("chunked")),
        12 => format!("x: y\r{}", length_at(length.to_string())),
        _ => format!("transfer{}encoding: chunked", random.pick(&[" ", "\t", "\0", "\u{b}", "("])),
    };
    let word = random.word();
    let path = random.pick(&["/api/sessions", "/api/posts", "/", "/api/users/me/posts"]);
    format!(
        "POST {path}?{word} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         {fields}\r\n\r\n0\r\n\r\n{SMUGGLED}"
    )
    .into_bytes()
}
