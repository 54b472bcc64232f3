//! Clients that say too little hold no connection for long, and nobody waits for
//! them.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::{join, select};
use tests::{Rest, Stack, raw};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::interval,
};

/// The first bytes have 5 s and headers 10 s; the rest is for a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// Says something once and waits to be hung up on.
async fn say(gateway: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(gateway).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    raw::heard(&mut stream, LIMIT).await;
}

/// Says a header byte by byte, for as long as somebody listens.
async fn drip(gateway: SocketAddr) {
    let mut stream = TcpStream::connect(gateway).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(b"GET /api/posts HTTP/1.1\r\nhost: a\r\nx-slow: ").await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let dripping = async {
        let mut tick = interval(Duration::from_millis(200));
        loop {
            tick.tick().await;
            if writer.write_all(b"a").await.is_err() {
                return;
            }
        }
    };
    let listening = async {
        let mut ignored = Vec::new();
        drop(reader.read_to_end(&mut ignored).await);
    };
    let done = select(Box::pin(dripping), Box::pin(listening));
    tests::within("the gateway hangs up on a dripping client", LIMIT, done).await;
}

/// Uses the gateway like everybody else, meanwhile.
async fn use_it(gateway: SocketAddr) {
    let rest = Rest::new(gateway);
    let mut tick = interval(Duration::from_millis(500));
    for _ in 0..12 {
        tick.tick().await;
        let answer = rest.get("/api/posts");
        tests::within("everybody else is served", Duration::from_secs(5), answer).await.expect(200);
    }
}

#[tokio::test]
async fn clients_that_say_too_little_are_hung_up_on() {
    let stack = Stack::start().await;
    let gateway = stack.gateway.listen;
    let slow = async {
        tokio::join!(
            say(gateway, b""),
            say(gateway, b"GET /api"),
            say(gateway, b"GET /api/posts HTTP/1.1\r\nhost: localhost\r\n"),
            say(gateway, b"PRI * HTTP/2"),
            say(stack.content.listen, b""),
            say(stack.content.listen, b"PRI * HTTP/2.0\r\n"),
            drip(gateway),
        );
    };
    join(slow, use_it(gateway)).await;
}

#[tokio::test]
async fn silent_clients_by_the_hundred_keep_nobody_out() {
    let stack = Stack::start().await;
    let mut silent = Vec::new();
    for _ in 0..500 {
        silent.push(TcpStream::connect(stack.gateway.listen).await.unwrap());
    }
    use_it(stack.gateway.listen).await;
    for stream in &mut silent {
        raw::heard(stream, LIMIT).await;
    }
}
