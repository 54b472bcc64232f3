//! What happens on a real socket, with hyper behind it.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::{Layer, service_fn};

use super::{
    accept::{self, Asked, Peers, Port},
    guard::Refusal,
    observe::{Kind, Observe},
    spawn,
    stop::Stop,
};

const LIMIT: Duration = Duration::from_secs(10);

/// Tells what it was asked: method, path and length of the body.
async fn echo(request: Asked) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    if let Some(refusal) = Refusal::of(&parts.method, &parts.uri) {
        let mut response = Response::new(Full::from(format!("[{}]", refusal.reason.code)));
        *response.status_mut() = http::StatusCode::BAD_REQUEST;
        return Ok(response);
    }
    assert!(parts.uri.path() != "/panic", "of what was asked");
    let told = match body.collect().await {
        Ok(body) => format!("[{} {} {}]", parts.method, parts.uri, body.to_bytes().len()),
        Err(_broken) => "[broken]".to_owned(),
    };
    Ok(Response::new(Full::from(told)))
}

/// A server that lives as long as the token is not dropped.
async fn server() -> (SocketAddr, tokio_util::sync::DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let service = Observe::new(Kind::Http).layer(service_fn(echo));
    let (port, until) = (Port::plain(vec![listener]), Stop::at(stop.clone()));
    drop(spawn(accept::serve(port, service, Peers::Public, until, Duration::ZERO)));
    (address, stop.drop_guard())
}

/// Sends pieces one after the other; returns everything that came back.
async fn exchange(address: SocketAddr, pieces: impl IntoIterator<Item = &[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut heard = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut heard)).await.unwrap().unwrap();
    String::from_utf8(heard).unwrap()
}

/// What the service was asked, in order.
fn told(answers: &str) -> Vec<&str> {
    let parts = answers.split(['[', ']']);
    parts.skip(1).step_by(2).collect()
}

/// A message, and what the service is asked by it.
fn message(number: usize, kind: usize) -> (String, String) {
    let head = format!("POST /{number} HTTP/1.1\r\nhost: a\r\n");
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    let length = smuggled.len();
    let (text, length) = match kind % 4 {
        0 => (format!("{head}\r\n"), 0),
        1 => (format!("{head}content-length: {length}\r\n\r\n{smuggled}"), length),
        2 => {
            let coded = format!("{length:x};x=y\r\n{smuggled}\r\n3\r\n0\r\n\r\n0\r\nx: y\r\n\r\n");
            (format!("{head}transfer-encoding: chunked\r\n\r\n{coded}"), length + 3)
        }
        _ => (format!("{head}x: {}\r\n\r\n", "y".repeat(number * 37)), 0),
    };
    (text, format!("POST /{number} {length}"))
}

#[tokio::test]
async fn hyper_reads_the_messages_that_the_guard_sees_however_they_arrive() {
    let (address, _server) = server().await;
    let mut random = 1_usize;
    for round in 1..60 {
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            random >> 33
        };
        let (mut wire, mut expected) = (String::new(), Vec::new());
        for number in 0..12 {
            let (text, asked) = message(number, next());
            wire.push_str(&text);
            expected.push(asked);
        }
        wire.push_str("GET / HTTP/1.1\nhost: a\n\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n");
        expected.push("MALFORMED_REQUEST".to_owned());
        let answers = exchange(address, wire.as_bytes().chunks(round * round)).await;
        assert_eq!(told(&answers), expected, "pieces of {}", round * round);
    }
}

#[tokio::test]
async fn a_refusal_ends_the_connection_however_much_the_client_still_sends() {
    let (address, _server) = server().await;
    let head =
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n";
    let body = "x".repeat(200_000);
    let answers = exchange(address, [head.as_bytes(), body.as_bytes()]).await;
    assert_eq!(told(&answers), ["MALFORMED_REQUEST"], "{answers}");
    assert!(answers.contains("connection: close") && answers.contains("x-request-id"), "{answers}");
    let broken =
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\nGET / HTTP/1.1\r\n\r\n";
    let answers = exchange(address, [broken.as_bytes()]).await;
    assert_eq!(told(&answers), ["broken"], "{answers}");
}

#[tokio::test]
async fn a_panic_ends_one_request_and_not_the_connection() {
    let (address, _server) = server().await;
    let wire =
        b"GET /panic HTTP/1.1\r\nhost: a\r\n\r\nGET /next HTTP/1.1\r\nhost: a\r\n\r\nX\r\n\r\n";
    let answers = exchange(address, [&wire[..]]).await;
    assert!(answers.starts_with("HTTP/1.1 500 "), "{answers}");
    assert_eq!(told(&answers), ["GET /next 0", "MALFORMED_REQUEST"], "{answers}");
}

#[tokio::test]
async fn a_panic_of_a_grpc_handler_is_an_internal_error_with_an_id() {
    use tower::ServiceExt;
    let contract = crate::access::Contract::read().unwrap();
    let panics = service_fn(|request: Request<()>| async move {
        assert!(request.uri().path() != "/", "of hunter2");
        Ok::<_, Infallible>(Response::new(tonic::body::Body::empty()))
    });
    let service = Observe::new(Kind::Grpc(contract)).layer(panics);
    let response = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "13");
    assert!(response.headers().contains_key("x-request-id"));
    assert!(!format!("{:?}", response.headers()).contains("hunter2"));
    assert!(!response.headers().contains_key(header::CONNECTION));
}
