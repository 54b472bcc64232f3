use std::time::{Duration, Instant};

use http::Version;
use tests::{Rest, metrics, raw, within};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Gateway, SOON, get, get_http2};

#[tokio::test]
async fn both_versions_of_http_are_spoken_by_agreement() {
    let gateway = Gateway::start().await;
    let address = gateway.service.listen;
    for (offered, agreed, version, request) in [
        (&["h2", "http/1.1"][..], Some(&b"h2"[..]), Version::HTTP_2, get_http2()),
        (&["http/1.1"], Some(b"http/1.1"), Version::HTTP_11, get()),
        (&[], None, Version::HTTP_11, get()),
    ] {
        let client = gateway.authority.client().offering(offered);
        let stream = client.connect(address).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed, "{offered:?}");
        drop(stream);
        let response = client.send(address, request).await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, version));
        let hsts = response.headers()["strict-transport-security"].to_str().unwrap();
        assert_eq!(hsts, "max-age=63072000; includeSubDomains");
    }
    let nobody_we_know = gateway.authority.client().offering(&["spdy/3"]);
    assert!(nobody_we_know.connect(address).await.is_err(), "no protocol in common");
}

#[tokio::test]
async fn what_speaks_http_to_the_tls_port_is_told_so() {
    let gateway = Gateway::start().await;
    for request in
        ["GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "x"]
    {
        let answer = raw::exchange(gateway.service.listen, request.as_bytes()).await;
        assert_eq!(raw::status(&answer), Some(400), "{request:?}: {answer}");
        assert!(answer.contains("this port speaks https"), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok(), "{answer}");
    }
}

#[tokio::test]
async fn tls_on_a_plain_port_ends_at_once() {
    let gateway = Gateway::start().await;
    let before = Instant::now();
    let client = gateway.authority.client();
    let refused = within("a refusal", SOON, client.connect(gateway.service.admin)).await;
    assert!(refused.is_err());
    assert!(before.elapsed() < Duration::from_secs(3), "not at once");
    assert!(gateway.service.log().contains("it speaks TLS, and this port does not"));
    Rest::new(gateway.service.admin).get("/readyz").await.expect(200);
}

#[tokio::test]
async fn old_versions_of_tls_are_refused() {
    let gateway = Gateway::start().await;
    let alert = async |version: u8| {
        let mut stream = TcpStream::connect(gateway.service.listen).await.unwrap();
        stream.write_all(&hello(version)).await.unwrap();
        stream.shutdown().await.unwrap();
        let heard = raw::heard(&mut stream, SOON).await;
        (heard[0], heard[6])
    };
    // An alert (21), protocol_version (70).
    for (name, version) in [("SSL 3", 0), ("TLS 1.0", 1), ("TLS 1.1", 2)] {
        assert_eq!(alert(version).await, (21, 70), "{name}");
    }
    assert_ne!(alert(3).await, (21, 70), "TLS 1.2");
}

/// A `ClientHello` of version 3.x: two cipher suites, one way to sign.
fn hello(version: u8) -> Vec<u8> {
    let random = [7; 32];
    let suites = [0, 4, 0xc0, 0x2b, 0xc0, 0x2f];
    let signatures = [0, 13, 0, 4, 0, 2, 4, 3];
    let body = [&[3, version][..], &random, &[0], &suites, &[1, 0, 0, 8], &signatures].concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat()
}

#[tokio::test]
async fn half_a_handshake_is_given_up_in_time() {
    let gateway = Gateway::start().await;
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 32]].concat();
    let limit = Duration::from_secs(8);
    let mut guests = Vec::new();
    for said in [&b""[..], &[0x16], &hello] {
        let mut stream = TcpStream::connect(gateway.service.listen).await.unwrap();
        stream.write_all(said).await.unwrap();
        guests.push(stream);
    }
    // This one is silent after the handshake.
    let mut silent = gateway.authority.client().connect(gateway.service.listen).await.unwrap();
    for guest in &mut guests {
        assert_eq!(raw::heard(guest, limit).await, b"");
    }
    let rest = within("a silent guest is closed", limit, silent.read(&mut [0; 1])).await;
    assert!(rest.is_err() || rest.is_ok_and(|length| length == 0));
    let late = metrics(&gateway.service).await.sum("tls_server_handshakes_total", "timeout");
    assert!(late > 2.5, "three handshakes were not finished: {late}");
    let client = gateway.authority.client();
    assert_eq!(client.send(gateway.service.listen, get()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_end_is_graceful_for_requests_over_tls() {
    let mut gateway = Gateway::start().await;
    let client = gateway.authority.client().offering(&["http/1.1"]);
    let mut idle = client.connect(gateway.service.listen).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    idle.write_all(request).await.unwrap();
    let mut heard = [0; 12];
    idle.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"HTTP/1.1 200");
    // Another one is in the middle of its request's head.
    let mut busy = client.connect(gateway.service.listen).await.unwrap();
    busy.write_all(&request[..20]).await.unwrap();
    gateway.service.terminate();
    let mut rest = Vec::new();
    // rustls tells an end without `close_notify` from a proper one.
    within("the idle one ends", SOON, idle.read_to_end(&mut rest)).await.unwrap();
    drop(busy);
    assert!(gateway.service.ended(SOON).await.success());
}

#[tokio::test]
async fn http_is_sent_on_to_https() {
    let gateway = Gateway::start_with(&[("MAINSTAY_HTTP_REDIRECT_LISTEN", "localhost:0")]).await;
    let rest = Rest::new(gateway.service.redirect.unwrap());
    let port = gateway.service.listen.port();
    let answer = rest.get("/api/posts?pageSize=2").await.expect(308);
    let location = format!("https://localhost:{port}/api/posts?pageSize=2");
    assert_eq!(answer.header("location"), location);
    let answer = rest.call("POST", "/api/sessions").header("host", "a.org").send().await;
    assert_eq!(answer.expect(308).header("location"), "https://a.org/api/sessions");
    // Without ACME nobody proves anything.
    rest.get("/.well-known/acme-challenge/x").await.expect(308);
}
