//! Floods of frames end, on every port, while others are served.

use std::{net::SocketAddr, time::Duration};

use tests::{Rest, Stack, metrics, within};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, block, frame, hello, request,
};

/// How long a flood may last.
const LIMIT: Duration = Duration::from_secs(30);
/// How many frames a flood may have before it ends: what the sockets between
/// hold is sent before one hears of the end.
const MOST: usize = 400_000;

/// What a flood is made of: what comes first, and then frames by their number.
struct Flood {
    name: &'static str,
    first: Vec<u8>,
    next: fn(u32) -> Vec<u8>,
}

fn floods() -> Vec<Flood> {
    // A call that waits for its body takes frames for as long as it has a deadline.
    let mut headers = request("POST", "/mainstay.content.v1.PostService/GetPost");
    headers.extend([("content-type", "application/grpc"), ("te", "trailers")]);
    let open = frame(HEADERS, END_HEADERS, 1, &block(&headers));
    let flood = |name, first: &[u8], next| Flood { name, first: first.to_vec(), next };
    vec![
        flood("PING", b"", |_| frame(PING, 0, 0, b"12345678")),
        flood("SETTINGS", b"", |_| frame(SETTINGS, 0, 0, &[])),
        flood("PRIORITY", b"", |n| frame(PRIORITY, 0, 1 + 2 * (n % 100), &[0, 0, 0, 0, 1])),
        flood("WINDOW_UPDATE", &open, |_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        flood("made-up frames", b"", |_| frame(0x2a, 0, 0, b"x")),
        flood("empty DATA", &open, |_| frame(DATA, 0, 1, &[])),
        flood("DATA of one byte", &open, |_| frame(DATA, 0, 1, b"x")),
        flood("CONTINUATION", &frame(HEADERS, 0, 1, &block(&headers)), |_| {
            frame(CONTINUATION, 0, 1, &block(&[("x", "y")]))
        }),
        flood("rapid reset", b"", |number| {
            let stream = 1 + 2 * number;
            let begin = block(&request("GET", "/api/posts"));
            let begin = frame(HEADERS, END_HEADERS | END_STREAM, stream, &begin);
            [begin, frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
        }),
        flood("made you reset", b"", |number| {
            let stream = 1 + 2 * number;
            let begin = block(&request("GET", "/api/posts"));
            let begin = frame(HEADERS, END_HEADERS | END_STREAM, stream, &begin);
            [begin, frame(WINDOW_UPDATE, 0, stream, &[0, 0, 0, 0])].concat()
        }),
    ]
}

// === impl Flood ===

impl Flood {
    /// Floods a port until it hangs up; returns how many frames that took.
    async fn pour(&self, address: SocketAddr) -> usize {
        const BATCH: u32 = 100;
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let mut sent = 0;
        let pouring = async {
            let begin = [hello(), self.first.clone()].concat();
            let mut is_open = writer.write_all(&begin).await.is_ok();
            while is_open {
                let frames: Vec<u8> = (sent..sent + BATCH).flat_map(self.next).collect();
                is_open = writer.write_all(&frames).await.is_ok();
                sent += BATCH;
                assert!((sent as usize) < MOST, "{} goes on for ever at {address}", self.name);
            }
        };
        let listening = async {
            let mut ignored = [0; 512];
            while reader.read(&mut ignored).await.is_ok_and(|length| length > 0) {}
        };
        // It is over as soon as either side of the socket is.
        let both = async {
            tokio::select! {
                () = pouring => {}
                () = listening => {}
            }
        };
        within(self.name, LIMIT, both).await;
        sent as usize
    }
}

#[tokio::test]
async fn floods_of_frames_are_hung_up_on() {
    let stack = Stack::start().await;
    let rest = Rest::new(stack.gateway.listen);
    for service in [&stack.gateway, &stack.content] {
        for flood in floods() {
            let frames = flood.pour(service.listen).await;
            println!("{} ended after at most {frames} frames at {}", flood.name, service.url());
            rest.get("/api/posts").await.expect(200);
        }
        let ended = metrics(service).await.sum("mainstay_server_connections_ended_total", "flood");
        assert!(ended >= 5.0, "h2 itself does not end PING and its like: {ended}");
    }
    assert!(!stack.logs().contains("panicked"));
}
