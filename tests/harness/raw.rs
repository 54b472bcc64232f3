//! Bytes on a socket, for what no HTTP client would send.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::wait::within;

const LIMIT: Duration = Duration::from_secs(30);

/// Sends bytes and returns all that comes back until the other side hangs up.
/// The bytes must ask for that (`connection: close`) or be malformed.
pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has seen enough may hang up before it has read everything.
    drop(stream.write_all(bytes).await);
    String::from_utf8_lossy(&heard(&mut stream, LIMIT).await).into_owned()
}

/// Reads until the other side hangs up; panics if it does not.
pub async fn heard(stream: &mut TcpStream, limit: Duration) -> Vec<u8> {
    let mut bytes = Vec::new();
    let reading = async {
        // A reset is a way to hang up, too.
        drop(stream.read_to_end(&mut bytes).await);
    };
    within("the other side hangs up", limit, reading).await;
    bytes
}

/// The status of an HTTP/1.1 answer; none if there is no answer.
pub fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()
}
