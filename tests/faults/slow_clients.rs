//! Clients that say or take too little hold no connection for long, and nobody
//! waits for them.

use std::{net::SocketAddr, thread, time::Duration};

use futures_util::future::{join, join_all};
use http::header;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use platform::server::spawn;
use serde_json::json;
use tests::{Person, Rest, Stack, raw};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    runtime::Builder,
    sync::oneshot,
    time::{Instant, interval, sleep, timeout},
};

/// How long anything slow may stay.
const LIMIT: Duration = Duration::from_secs(15);
/// Beyond it, the rest is for a busy machine.
const GIVE_UP: Duration = Duration::from_secs(40);
const OF_EACH: usize = 300;
const BETWEEN_VISITS: Duration = Duration::from_millis(10);
const BETWEEN_DROPS: Duration = Duration::from_secs(1);
/// A small answer below this is noise of the machine and not of the gateway.
const NOISE: Duration = Duration::from_millis(30);
/// The largest page that costs nobody any work.
const LARGE: &str = "/problems";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame, and one that keeps every stream from sending.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const NO_WINDOW: &[u8] = &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];

/// A way to be slow.
#[derive(Clone, Debug)]
struct Shape {
    name: &'static str,
    /// What is said at once.
    first: Vec<u8>,
    /// Whether a byte follows every second.
    drips: bool,
    /// Whether what comes back is taken.
    reads: bool,
}

/// HEADERS of a request on stream 1, each header spelled out.
fn headers(flags: u8, path: &str) -> Vec<u8> {
    let mut block = Vec::new();
    let method = if flags & 1 == 1 { "GET" } else { "POST" };
    for (name, value) in [
        (":method", method),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", path),
        ("content-type", "application/json"),
    ] {
        for text in [name, value] {
            block.push(if text == name { 0 } else { u8::try_from(value.len()).unwrap() });
            if text == name {
                block.push(u8::try_from(name.len()).unwrap());
            }
            block.extend_from_slice(text.as_bytes());
        }
    }
    let length = u8::try_from(block.len()).unwrap();
    [&[0, 0, length, 1, flags, 0, 0, 0, 1], &block[..]].concat()
}

fn shapes() -> Vec<Shape> {
    let post = "POST /api/sessions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    let shape =
        |name, first: &[u8], drips, reads| Shape { name, first: first.to_vec(), drips, reads };
    vec![
        shape("silence", b"", false, true),
        shape("half a first line", b"GET /api", false, true),
        shape("half a head", b"GET /api/posts HTTP/1.1\r\nhost: a\r\n", false, true),
        shape("a dripping head", b"GET /api/posts HTTP/1.1\r\nhost: a\r\nx: ", true, true),
        shape("no body", format!("{post}content-length: 9\r\n\r\n").as_bytes(), false, true),
        shape(
            "a dripping body",
            format!("{post}content-length: 999\r\n\r\n").as_bytes(),
            true,
            true,
        ),
        shape("half a preface", b"PRI * HTTP/2.0\r\n", false, true),
        shape("a preface", PREFACE, false, true),
        shape("settings", &[PREFACE, SETTINGS].concat(), false, true),
        shape(
            "a stream without an end",
            &[PREFACE, SETTINGS, &headers(4, "/api/sessions")].concat(),
            false,
            true,
        ),
        shape(
            "a window of nothing",
            &[PREFACE, NO_WINDOW, &headers(5, LARGE)].concat(),
            false,
            true,
        ),
    ]
}

/// Is slow until the other side hangs up; returns how long that took.
async fn dawdle(address: SocketAddr, shape: &Shape) -> Duration {
    let socket = TcpSocket::new_v4().unwrap();
    if !shape.reads {
        socket.set_recv_buffer_size(4096).unwrap();
    }
    let mut stream = socket.connect(address).await.unwrap();
    let started = Instant::now();
    stream.write_all(&shape.first).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let dripping = async {
        let mut tick = interval(BETWEEN_DROPS);
        loop {
            tick.tick().await;
            // Who does not read only hears of the end by writing.
            let is_late = !shape.reads && started.elapsed() > Duration::from_secs(8);
            if (shape.drips || is_late) && writer.write_all(b"a").await.is_err() {
                return;
            }
        }
    };
    let listening = async {
        let mut ignored = [0; 512];
        while shape.reads && reader.read(&mut ignored).await.is_ok_and(|length| length > 0) {}
        if !shape.reads {
            std::future::pending::<()>().await;
        }
    };
    let over = async {
        tokio::select! {
            () = dripping => {}
            () = listening => {}
        }
    };
    drop(timeout(GIVE_UP, over).await);
    started.elapsed()
}

/// Uses the gateway like everybody else, on one connection; returns how long each
/// request took. On a thread of its own, which does not play the slow ones too.
async fn use_it(gateway: SocketAddr, requests: usize) -> Vec<Duration> {
    let (send, receive) = oneshot::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        drop(send.send(runtime.block_on(ask(gateway, requests))));
    });
    receive.await.unwrap()
}

async fn ask(gateway: SocketAddr, requests: usize) -> Vec<Duration> {
    let stream = TokioIo::new(TcpStream::connect(gateway).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    let serving = spawn(connection);
    let mut tick = interval(Duration::from_millis(20));
    let mut took = Vec::new();
    for _ in 0..requests {
        tick.tick().await;
        let request = http::Request::get("/api/posts").header(header::HOST, "localhost");
        let started = Instant::now();
        let answer = sender.send_request(request.body(Empty::<bytes::Bytes>::new()).unwrap());
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        drop(answer.into_body().collect().await.unwrap());
        took.push(started.elapsed());
    }
    drop(sender);
    drop(serving.await);
    took
}

fn p99(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() * 99 / 100]
}

/// Plays every shape; returns how long each stayed at most, and the p99 of
/// everybody else with and without them.
async fn visit(gateway: SocketAddr) -> (Vec<(&'static str, Duration)>, Duration, Duration) {
    let shapes = shapes();
    let (mut worst, mut with, mut without) = (Vec::new(), Vec::new(), Vec::new());
    // In groups: one machine plays all of them, and everybody else as well.
    for group in shapes.chunks(3) {
        without.extend(use_it(gateway, 200).await);
        let slow = group.iter().flat_map(|shape| std::iter::repeat_n(shape, OF_EACH));
        let slow = slow.enumerate().map(async |(number, shape)| {
            // They do not come all in one moment: connecting is work, being slow is none.
            sleep(BETWEEN_VISITS * u32::try_from(number % OF_EACH).unwrap()).await;
            dawdle(gateway, shape).await
        });
        let (took, normal) = join(join_all(slow), use_it(gateway, 500)).await;
        with.extend(normal);
        for (shape, took) in group.iter().zip(took.chunks(OF_EACH)) {
            worst.push((shape.name, *took.iter().max().unwrap()));
        }
    }
    (worst, p99(with), p99(without))
}

#[tokio::test]
async fn three_hundred_slow_clients_of_every_shape_are_gone_in_time_and_nobody_notices() {
    let stack = Stack::start().await;
    // A second try for a machine that was busy with something else during the first.
    for is_last in [false, true] {
        let (worst, with, without) = visit(stack.gateway.listen).await;
        println!("gone after at most {worst:?}");
        println!("p99 of everybody else: {with:?} with them, {without:?} without");
        for (name, took) in worst {
            assert!(took < LIMIT, "{name} stayed for {took:?}");
        }
        let is_unnoticed = with < without.max(NOISE) * 2;
        assert!(is_unnoticed || !is_last, "{with:?} with slow clients around, {without:?} without");
        if is_unnoticed {
            return;
        }
    }
}

/// Fewer of these: the system takes megabytes for each before the gateway notices.
#[tokio::test]
async fn clients_that_read_nothing_are_gone_in_time() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let post = json!({"title": "Large", "body": "b".repeat(250_000)});
    let id = ann.rest().post("/api/users/me/posts", post).await.expect(201).text_at("/id");
    ann.rest().call("POST", &format!("/api/posts/{id}/publish")).send().await.expect(200);
    let get = format!("GET /api/posts/{id} HTTP/1.1\r\nhost: a\r\n\r\n").repeat(40);
    let shape = Shape { name: "unread", first: get.into_bytes(), drips: false, reads: false };
    let took = join_all((0..8).map(|_| dawdle(stack.gateway.listen, &shape))).await;
    println!("gone after {took:?}");
    // The answers that fill the buffers take their time on top.
    assert!(took.iter().all(|took| *took < LIMIT * 2), "{took:?}");
    let metrics = tests::metrics(&stack.gateway).await;
    let ended = metrics.sum("mainstay_server_connections_ended_total", "slow_reader");
    assert!(ended >= 8.0, "{ended}");
}

#[tokio::test]
async fn slow_clients_of_a_grpc_port_are_gone_in_time() {
    let stack = Stack::start().await;
    let content = stack.content.listen;
    let path = "/mainstay.content.v1.PostService/GetPost";
    let mut shapes = shapes();
    shapes.retain(|shape| shape.reads && !shape.name.contains("body"));
    for shape in &mut shapes {
        if shape.name == "a stream without an end" {
            shape.first = [PREFACE, SETTINGS, &headers(4, path)].concat();
        }
    }
    // A call ends by its deadline; the connection, which services share, goes on.
    shapes
        .retain(|shape| !["a stream without an end", "a window of nothing"].contains(&shape.name));
    let slow = shapes.iter().flat_map(|shape| std::iter::repeat_n(shape, 20));
    let slow = join_all(slow.map(async |shape| (shape.name, dawdle(content, shape).await)));
    let everybody = async {
        let rest = Rest::new(stack.gateway.listen);
        for _ in 0..20 {
            rest.get("/api/posts").await.expect(200);
        }
    };
    let (slow, ()) = join(slow, everybody).await;
    for (name, took) in slow {
        assert!(took < LIMIT, "{name} stayed for {took:?}");
    }
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let setting = "MAINSTAY_CONNECTIONS_PER_ADDRESS";
    let stack = Stack::builder().set("gateway", setting, "20").start().await;
    let gateway = stack.gateway.listen;
    let mut held = Vec::new();
    for _ in 0..19 {
        held.push(TcpStream::connect(gateway).await.unwrap());
    }
    Rest::new(gateway).get("/api/posts").await.expect(200);
    held.push(TcpStream::connect(gateway).await.unwrap());
    let mut refused = TcpStream::connect(gateway).await.unwrap();
    let started = Instant::now();
    assert_eq!(raw::heard(&mut refused, LIMIT).await, b"");
    assert!(started.elapsed() < Duration::from_secs(4), "at once, and not for its silence");
    drop(held);
    tests::eventually("there is room again", LIMIT, async || {
        let answer = Rest::new(gateway).call("GET", "/api/posts").try_send().await;
        answer.is_ok().then_some(())
    })
    .await;
}
