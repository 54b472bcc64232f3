use super::*;

fn read(head: &str) -> Result<Option<(usize, Framing)>, Fault> {
    let bytes = head.as_bytes();
    let whole = Head::default().read(bytes);
    // The same byte by byte.
    let mut dripping = Head::default();
    let steps = (1..=bytes.len()).map(|end| dripping.read(&bytes[..end]));
    let dripped = steps.into_iter().find(|step| !matches!(step, Ok(None))).unwrap_or(Ok(None));
    assert_eq!(whole, dripped, "{head:?}");
    whole
}

#[test]
fn heads_end_where_they_end_and_say_what_follows() {
    for (head, framing) in [
        ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", Framing::Length(0)),
        ("\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", Framing::Length(0)),
        ("GET / HTTP/1.0\r\n\r\n", Framing::Length(0)),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", Framing::Length(0)),
        ("GET http://a.org/b HTTP/1.1\r\nHOST:a.org\r\n\r\n", Framing::Length(0)),
        ("CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n", Framing::Length(0)),
        ("GET /{a}?b={c} HTTP/1.1\r\nhost: a\r\n\r\n", Framing::Length(0)),
        ("GET / HTTP/1.1\r\nhost: a\r\nx: caf\u{e9}\t;\r\ny:\r\n\r\n", Framing::Length(0)),
        ("POST / HTTP/1.1\r\nhost: a\r\nContent-Length: 12 \r\n\r\n", Framing::Length(12)),
        ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding:\tChunked\r\n\r\n", Framing::Chunked),
    ] {
        assert_eq!(read(head), Ok(Some((head.len(), framing))), "{head:?}");
        let more = format!("{head}more\r\n\r\n");
        let mut one = Head::default();
        assert_eq!(one.read(more.as_bytes()), Ok(Some((head.len(), framing))), "{more:?}");
    }
    for open in ["", "\r\n", "GET / HT", "GET / HTTP/1.1\r\nhost: a\r\n", "GET / HTTP/1.1\r\n\r"] {
        assert_eq!(read(open), Ok(None), "{open:?}");
    }
}

#[test]
fn first_lines_with_two_readings_are_refused() {
    for (line, fault) in [
        ("GET / HTTP/1.1 ", Fault::RequestLine),
        ("GET  / HTTP/1.1", Fault::RequestLine),
        (" GET / HTTP/1.1", Fault::RequestLine),
        ("GET /", Fault::RequestLine),
        ("GET / a HTTP/1.1", Fault::RequestLine),
        ("GET\t/\tHTTP/1.1", Fault::RequestLine),
        ("GET /\u{e9} HTTP/1.1", Fault::RequestLine),
        ("GET /\0 HTTP/1.1", Fault::RequestLine),
        ("GET /\r HTTP/1.1", Fault::LineEnd),
        ("G(T / HTTP/1.1", Fault::Method),
        ("GET / HTTP/1.2", Fault::Version),
        ("GET / HTTP/2.0", Fault::Version),
        ("GET / HTTP/0.9", Fault::Version),
        ("GET / http/1.1", Fault::Version),
        ("GET / HTTP/1.1x", Fault::Version),
        ("GET a HTTP/1.1", Fault::Target),
        ("GET * HTTP/1.1", Fault::Target),
        ("GET a.org:80 HTTP/1.1", Fault::Target),
        ("GET /a#b HTTP/1.1", Fault::Target),
        ("GET http:// HTTP/1.1", Fault::Target),
        ("CONNECT /a HTTP/1.1", Fault::Target),
    ] {
        let told = read(&format!("{line}\r\nhost: a\r\n\r\n"));
        assert_eq!(told, Err(fault), "{line:?}");
    }
    let method = format!("{} / HTTP/1.1\r\n", "M".repeat(LONGEST_METHOD + 1));
    assert_eq!(read(&method), Err(Fault::Method));
    assert_eq!(read("\r\n\r\n\r\n"), Err(Fault::RequestLine));
}

#[test]
fn headers_with_two_readings_are_refused() {
    for (fields, fault) in [
        ("host: a\r\n x", Fault::Fold),
        ("host: a\r\n\tx", Fault::Fold),
        ("host : a", Fault::Name),
        ("host", Fault::Name),
        (": a", Fault::Name),
        ("ho st: a", Fault::Name),
        ("h\u{e9}: a", Fault::Name),
        ("x: \0", Fault::Control),
        ("x: \u{7f}", Fault::Control),
        ("x: a\rb", Fault::LineEnd),
        ("x: a\r\r", Fault::LineEnd),
        ("x: a\ny: b", Fault::LineEnd),
        ("x: y", Fault::NoHost),
        ("host: a\r\nhost: a", Fault::TwoHosts),
        ("host: a\r\ncontent-length: 1\r\nContent-Length: 1", Fault::TwoLengths),
        ("host: a\r\ncontent-length: 1, 1", Fault::Length),
        ("host: a\r\ncontent-length: +1", Fault::Length),
        ("host: a\r\ncontent-length: -1", Fault::Length),
        ("host: a\r\ncontent-length: 0x1", Fault::Length),
        ("host: a\r\ncontent-length:", Fault::Length),
        ("host: a\r\ncontent-length: 1234567890123456789", Fault::Length),
        ("host: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked", Fault::LengthAndCoding),
        ("host: a\r\ntransfer-encoding: chunked\r\ncontent-length: 1", Fault::LengthAndCoding),
        ("host: a\r\ntransfer-encoding: gzip, chunked", Fault::Coding),
        ("host: a\r\ntransfer-encoding: identity", Fault::Coding),
        ("host: a\r\ntransfer-encoding: chunked, chunked", Fault::Coding),
        ("host: a\r\ntransfer-encoding: \"chunked\"", Fault::Coding),
        ("host: a\r\ntransfer-encoding: xchunked", Fault::Coding),
        ("host: a\r\ntransfer-encoding: chunked\u{b}", Fault::Control),
        ("host: a\r\ntransfer-encoding:", Fault::Coding),
        ("host: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked", Fault::Coding),
    ] {
        assert_eq!(read(&format!("GET / HTTP/1.1\r\n{fields}\r\n\r\n")), Err(fault), "{fields:?}");
    }
    let old = "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(read(old), Err(Fault::OldCoding));
    assert_eq!(read("GET / HTTP/1.1\nhost: a\n\n"), Err(Fault::LineEnd));
}

#[test]
fn heads_are_bounded_even_without_an_end() {
    let first = |length| format!("GET /{} HTTP/1.1\r\n", "a".repeat(length));
    assert_eq!(read(&first(LONGEST_TARGET)), Err(Fault::LongTarget));
    assert_eq!(read(&first(LONGEST_TARGET - 1)), Ok(None));
    assert_eq!(read(&"G".repeat(LONGEST_FIRST_LINE + 1)), Err(Fault::LongTarget));
    let begin = "GET / HTTP/1.1\r\nhost: a\r\n";
    let field = |length| format!("{begin}x: {}", "y".repeat(length));
    assert_eq!(read(&field(LONGEST)), Err(Fault::LongHead));
    assert_eq!(read(&format!("{begin}{}", "x: y\r\n".repeat(63))), Ok(None));
    assert_eq!(read(&format!("{begin}{}", "x: y\r\n".repeat(64))), Err(Fault::ManyFields));
}

/// What this takes, hyper's own reader takes as well: random heads from pieces.
#[test]
fn whatever_is_taken_is_a_head_to_hyper_too() {
    let pieces =
        ["GET", " ", "/", "?", "\"", "\\", "^", "`", "<", "[", "%", "{", "a", "\u{e9}", "\x7f"];
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..20_000 {
        let target: String = (0..random(6)).map(|_| pieces[random(pieces.len())]).collect();
        let head = format!("GET /{target} HTTP/1.1\r\nhost: a\r\n\r\n");
        if matches!(Head::default().read(head.as_bytes()), Ok(Some(_))) {
            assert!(Uri::try_from(format!("/{target}")).is_ok(), "{target:?}");
        }
    }
}
