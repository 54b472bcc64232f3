//! One input on one connection, to its end.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};

/// A request has 10 s, and nothing that says too little has more.
const LIMIT: Duration = Duration::from_secs(20);
/// How long an input that may be incomplete is waited for before it is ended.
pub(crate) const SHORT: Duration = Duration::from_millis(400);
/// One that is complete is not: hyper gives up a request whose client hangs up.
pub(crate) const LONG: Duration = Duration::from_secs(15);

/// What came back.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) bytes: Vec<u8>,
    /// Whether the other side hung up.
    pub(crate) is_closed: bool,
}

/// Sends bytes and listens until `is_enough`, or until the other side hangs up.
/// Panics if neither happens.
pub(crate) async fn say(
    address: SocketAddr,
    bytes: &[u8],
    patience: Duration,
    is_enough: impl Fn(&[u8]) -> bool,
) -> Heard {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    // A server that has seen enough may hang up before it has read everything.
    drop(timeout(LIMIT, stream.write_all(bytes)).await);
    let (mut heard, mut has_ended) = (Vec::new(), false);
    loop {
        if is_enough(&heard) {
            return Heard { bytes: heard, is_closed: false };
        }
        let more = timeout(patience, stream.read_buf(&mut heard)).await;
        match more {
            Ok(Ok(0) | Err(_)) => return Heard { bytes: heard, is_closed: true },
            Ok(Ok(_)) => {}
            Err(_elapsed) if !has_ended => {
                // No more will come: whoever waits for the rest need not.
                drop(stream.shutdown().await);
                has_ended = true;
            }
            Err(_elapsed) => {}
        }
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(500)]);
        assert!(started.elapsed() < LIMIT, "{address} hangs on {shown:?}");
    }
}

/// An answer of HTTP/1.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// The first answer, if it is complete, and what follows it.
pub(crate) fn answer(bytes: &[u8]) -> Option<(Answer, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status: u16 = head.get(9..12)?.parse().unwrap();
    if status == 100 {
        return answer(&bytes[end..]);
    }
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let length = header("content-length").map_or(0, |length| length.parse().unwrap());
    let body = bytes.get(end..end + length)?.to_vec();
    Some((Answer { status, head, body }, &bytes[end + length..]))
}

/// Whether an answer is complete and the last: one that ends the connection is
/// waited for until it has done so.
pub(crate) fn is_answered(bytes: &[u8]) -> bool {
    answer(bytes).is_some_and(|(answer, _)| !answer.ends_connection())
}

// === impl Answer ===

impl Answer {
    fn ends_connection(&self) -> bool {
        self.head.contains("connection: close") || self.head.starts_with("HTTP/1.0")
    }

    /// Asserts that a refusal says what is wrong, as all of ours do.
    pub(crate) fn assert_worded(&self, input: &str) {
        assert!((200..500).contains(&self.status), "{input}: {self:?}");
        if self.status < 400 {
            return;
        }
        assert!(self.head.contains("content-type: application/problem+json"), "{input}: {self:?}");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status, "{input}: {problem}");
        let id = problem["requestId"].as_str().unwrap();
        assert!(self.head.contains(&format!("x-request-id: {id}")), "{input}: {self:?}");
        assert!(problem["detail"].as_str().is_some_and(|it| it.len() > 10), "{input}: {problem}");
    }
}
