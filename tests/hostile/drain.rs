//! An end in time, and nothing under way lost, with guests that do not leave.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use platform::server::spawn;
use proto::content::v1::GetPostRequest;
use serde_json::json;
use tests::{PASSWORD, Person, Rest, Service, Stack, eventually, within};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::interval,
};

use crate::frames::{HEADERS, block, frame, hello, request};

const SOON: Duration = Duration::from_secs(10);
const GUESTS: usize = 100;
const AT_WORK: usize = 10;

/// Guests of every unpleasant kind: silent, mute after a greeting, in the middle of
/// a head, and those that drip one, for as long as they are let.
async fn guests(address: SocketAddr) -> Vec<TcpStream> {
    let mut headers = request("POST", "/a");
    headers.push(("content-type", "application/grpc"));
    let unfinished = [hello(), frame(HEADERS, 0, 1, &block(&headers))].concat();
    let shapes: [&[u8]; 4] = [b"", &hello(), b"GET / HTTP/1.1\r\nhost: ", &unfinished];
    let arrivals = (0..GUESTS * 2).map(async |number| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(shapes[number % shapes.len()]).await.unwrap();
        stream
    });
    join_all(arrivals).await
}

/// Stays until all are shown out.
async fn stay(guests: Vec<TcpStream>) {
    let visits = guests.into_iter().enumerate().map(async |(number, mut stream)| {
        let is_dripping = number % 4 == 2;
        let (mut reader, mut writer) = stream.split();
        let dripping = async {
            let mut tick = interval(Duration::from_millis(500));
            loop {
                tick.tick().await;
                if is_dripping && writer.write_all(b"a").await.is_err() {
                    return;
                }
            }
        };
        let mut ignored = [0; 256];
        let listening =
            async { while reader.read(&mut ignored).await.is_ok_and(|length| length > 0) {} };
        tokio::select! {
            () = dripping => {}
            () = listening => {}
        }
    });
    join_all(visits).await;
}

/// Half of a request that takes a while; `finish` sends the rest.
async fn begin(address: SocketAddr, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (length, (half, _)) = (body.len(), body.split_at(body.len() / 2));
    let head = format!(
        "POST /api/sessions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{half}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn finish(mut stream: TcpStream, body: &str) -> String {
    stream.write_all(&body.as_bytes()[body.len() / 2..]).await.unwrap();
    let mut answer = vec![0; 12];
    within("the answer", SOON, stream.read_exact(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

async fn is_told(service: &Service) {
    let admin = Rest::new(service.admin);
    eventually("probes are told", SOON, async || {
        (admin.get("/readyz").await.status == 503).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_gateway_ends_in_time_with_hundreds_of_guests_and_loses_nothing() {
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let body = json!({"email": ann.email, "password": PASSWORD}).to_string();
    let address = stack.gateway.listen;
    let guests = spawn(stay(guests(address).await));
    let streams = join_all((0..AT_WORK).map(|_| begin(address, &body))).await;
    // The gateway has taken them once it has answered one sent later.
    ann.rest().get("/api/posts").await.expect(200);
    stack.gateway.terminate();
    is_told(&stack.gateway).await;
    let answers = join_all(streams.into_iter().map(|stream| finish(stream, &body))).await;
    assert_eq!(answers, vec!["HTTP/1.1 201"; AT_WORK]);
    assert!(stack.gateway.ended(SOON).await.success());
    within("the guests leave", SOON, guests).await.unwrap();
}

#[tokio::test]
async fn a_grpc_service_ends_in_time_with_hundreds_of_guests_and_loses_nothing() {
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.publish("Locked").await;
    let guests = spawn(stay(guests(stack.content.listen).await));
    let calls = stack
        .databases
        .content
        .while_locked("posts", async || {
            let calls: Vec<_> = (0..AT_WORK)
                .map(|_| {
                    let (mut posts, post_id) = (ann.grpc().posts(), id.clone());
                    spawn(async move { posts.get_post(GetPostRequest { post_id }).await })
                })
                .collect();
            eventually("all calls wait", SOON, async || {
                let sql = "SELECT FROM pg_stat_activity WHERE datname = current_database() \
                           AND wait_event_type = 'Lock'";
                let waiting = stack.databases.content.rows(sql, &[]).await.len();
                // The pool has six connections: the other calls wait for one.
                (waiting >= 4).then_some(())
            })
            .await;
            stack.content.terminate();
            is_told(&stack.content).await;
            calls
        })
        .await;
    for call in calls {
        let answer = within("the answer", SOON, call).await.unwrap();
        assert_eq!(answer.unwrap().into_inner().post.unwrap().id, id);
    }
    assert!(stack.content.ended(SOON).await.success());
    within("the guests leave", SOON, guests).await.unwrap();
}
