//! Streams and files through a gateway that is a process: what is held of them, how
//! they break and how they end.

mod flow;

use std::{fs, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Channel, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use platform::server::spawn;
use tests::{Service, eventually, within};
use tokio::net::TcpStream;

use self::flow::Flow;

const MIB: usize = 1024 * 1024;
const LIMIT: Duration = Duration::from_secs(30);

/// Sends a request and leaves what is answered to be read.
pub(crate) async fn send(
    gateway: &Service,
    line: &str,
    headers: &[(&str, &str)],
    body: BoxBody<Bytes, std::convert::Infallible>,
) -> Response<Incoming> {
    try_send(gateway, line, headers, body).await.unwrap()
}

async fn try_send(
    gateway: &Service,
    line: &str,
    headers: &[(&str, &str)],
    body: BoxBody<Bytes, std::convert::Infallible>,
) -> hyper::Result<Response<Incoming>> {
    let stream = TcpStream::connect(gateway.listen).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    spawn(connection);
    let (method, target) = line.split_once(' ').unwrap();
    let request = Request::builder().method(method).uri(target).header("host", "localhost");
    let request = headers.iter().fold(request, |request, (k, v)| request.header(*k, *v));
    let answer = sender.send_request(request.body(body).unwrap());
    within("an answer", LIMIT, answer).await
}

/// No body.
pub(crate) fn nothing() -> BoxBody<Bytes, std::convert::Infallible> {
    Full::default().boxed()
}

/// What a process holds, in bytes.
fn resident(service: &Service) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse::<usize>().unwrap() * 1024
}

#[tokio::test]
async fn open_streams_do_not_keep_a_gateway_from_stopping() {
    let mut flow = Flow::start().await;
    let mut open = Vec::new();
    for format in ["text/event-stream", "application/x-ndjson"].repeat(4) {
        let accept = [("accept", format)];
        let answer = send(&flow.gateway, "GET /v1/topics/quiet", &accept, nothing()).await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["content-type"].as_bytes()),
            (200, format.as_bytes())
        );
        open.push(answer);
    }
    flow.gateway.terminate();
    for (index, answer) in open.into_iter().enumerate() {
        let last = within("the stream ends", LIMIT, answer.into_body().collect()).await.unwrap();
        let last = String::from_utf8(last.to_bytes().to_vec()).unwrap();
        let says = if index % 2 == 0 { "retry: " } else { "{\"problem\":{" };
        assert!(last.starts_with(says), "{last}");
    }
    // A gateway waits 20 seconds for what goes on.
    let ended = flow.gateway.ended(Duration::from_secs(5)).await;
    assert!(ended.success());
}

#[tokio::test]
async fn a_large_upload_takes_little_memory() {
    let flow = Flow::start().await;
    let before = resident(&flow.gateway);
    let form = "multipart/form-data; boundary=XX";
    for media_type in ["image/png", form] {
        let (mut sender, body) = Channel::<Bytes, std::convert::Infallible>::new(1);
        spawn(async move {
            let head = "--XX\r\ncontent-disposition: form-data; name=f; filename=x\r\n\r\n";
            let (head, tail) = if media_type == form { (head, "\r\n--XX--\r\n") } else { ("", "") };
            sender.send_data(Bytes::from_static(head.as_bytes())).await.unwrap();
            for _ in 0..128 {
                sender.send_data(Bytes::from(vec![7; MIB / 2])).await.unwrap();
            }
            sender.send_data(Bytes::from_static(tail.as_bytes())).await.unwrap();
        });
        let headers = [("content-type", media_type)];
        let answer = send(&flow.gateway, "PUT /v1/sink", &headers, body.boxed()).await;
        let answer = answer.into_body().collect().await.unwrap().to_bytes();
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["size"], 64 * MIB, "{answer}");
    }
    let grown = resident(&flow.gateway).saturating_sub(before);
    assert!(grown < 24 * MIB, "{} KiB more for uploads of 64 MiB", grown / 1024);
}

#[tokio::test]
async fn a_slow_reader_takes_little_memory() {
    let flow = Flow::start().await;
    let before = resident(&flow.gateway);
    let mut open = Vec::new();
    for _ in 0..8 {
        let answer = send(&flow.gateway, "GET /v1/files/endless", &[], nothing()).await;
        assert_eq!(answer.status(), 200);
        open.push(answer);
    }
    let mut last = 0;
    eventually("the service is held back", LIMIT, async || {
        let sent = flow.sent();
        let rests = sent == std::mem::replace(&mut last, sent) && sent > 0;
        tokio::time::sleep(Duration::from_millis(300)).await;
        rests.then_some(())
    })
    .await;
    let grown = resident(&flow.gateway).saturating_sub(before);
    assert!(grown < 16 * MIB, "{} KiB more for 8 readers who do not read", grown / 1024);
    // Others are served meanwhile.
    let answer = send(&flow.gateway, "GET /v1/files/short", &[], nothing()).await;
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "short");
}

#[tokio::test]
async fn a_file_that_breaks_off_breaks_the_connection() {
    let flow = Flow::start().await;
    // It may break before anything of it was sent.
    if let Ok(answer) = try_send(&flow.gateway, "GET /v1/files/broken", &[], nothing()).await {
        assert_eq!(answer.status(), 200);
        let read = within("the end", LIMIT, answer.into_body().collect()).await;
        assert!(read.is_err(), "half a file is not a file");
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_call() {
    let flow = Flow::start().await;
    let answer = send(&flow.gateway, "GET /v1/topics/quiet", &[], nothing()).await;
    assert_eq!((answer.status().as_u16(), flow.left()), (200, 0));
    drop(answer);
    eventually("the call is cancelled", LIMIT, async || (flow.left() == 1).then_some(())).await;
}

#[tokio::test]
async fn half_an_upload_is_never_taken_for_a_whole_one() {
    let flow = Flow::start().await;
    let (mut sender, body) = Channel::<Bytes, std::convert::Infallible>::new(1);
    let stream = TcpStream::connect(flow.gateway.listen).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = spawn(connection);
    let request = Request::put("/v1/sink").header("host", "localhost");
    let request = request.header("content-type", "image/png").body(body).unwrap();
    let answer = spawn(async move { client.send_request(request).await.is_ok() });
    sender.send_data(Bytes::from_static(b"half of ")).await.unwrap();
    eventually("the service has half", LIMIT, async || (flow.sent() > 0).then_some(())).await;
    connection.abort();
    eventually("the upload breaks", LIMIT, async || (flow.left() == 1).then_some(())).await;
    assert_eq!(flow.complete(), 0);
    assert!(!answer.await.unwrap());
}
