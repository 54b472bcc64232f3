//! Starting and stopping: what is wrong is told at once, and nothing under way is
//! lost.

use std::time::Duration;

use serde_json::json;
use tests::{PASSWORD, Person, Rest, Stack, channel, eventually, program, within};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn whoever_watches_health_hears_of_the_end_first() {
    let mut stack = Stack::start().await;
    let mut client = HealthClient::new(channel(&stack.content));
    let name = "mainstay.content.v1.PostService";
    let mut watch =
        client.watch(HealthCheckRequest { service: name.to_owned() }).await.unwrap().into_inner();
    let first = within("the first state", SOON, watch.message()).await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
    stack.content.terminate();
    let next = within("the next state", SOON, watch.message()).await.unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::NotServing);
    drop((watch, client));
    assert!(stack.content.ended(SOON).await.success());
}

#[tokio::test]
async fn sigterm_ends_every_service_even_with_a_silent_guest() {
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    ann.publish("Before the end").await;
    let mut guests = Vec::new();
    for service in stack.services() {
        guests.push(TcpStream::connect(service.listen).await.unwrap());
        service.terminate();
    }
    for service in [&mut stack.gateway, &mut stack.content, &mut stack.auth] {
        // A silent connection has 5 s for its first bytes, a request has 20 s.
        assert!(service.ended(Duration::from_secs(15)).await.success());
    }
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_end() {
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let body = json!({"email": ann.email, "password": PASSWORD}).to_string();
    let (one, two) = body.split_at(10);
    let mut stream = TcpStream::connect(stack.gateway.listen).await.unwrap();
    let length = body.len();
    let head = format!(
        "POST /api/sessions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{one}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The gateway has taken the request once it has answered one sent later.
    ann.rest().get("/api/posts").await.expect(200);
    stack.gateway.terminate();
    let admin = Rest::new(stack.gateway.admin);
    eventually("probes are told", SOON, async || {
        (admin.get("/readyz").await.status == 503).then_some(())
    })
    .await;
    stream.write_all(two.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    within("the answer", SOON, stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 201");
    drop(stream);
    assert!(stack.gateway.ended(SOON).await.success());
}

#[tokio::test]
async fn everything_wrong_with_the_settings_is_told_at_once() {
    for (service, wrong) in [
        (
            "auth",
            &["DATABASE_URL is not set", "MAINSTAY_SECRET_KEY:", "MAINSTAY_ISSUER is not set"][..],
        ),
        (
            "content",
            &["DATABASE_URL is not set", "MAINSTAY_SECRET_KEY:", "MAINSTAY_AUTH_URL is not set"],
        ),
        (
            "gateway",
            &[
                "MAINSTAY_AUTH_URL is not set",
                "MAINSTAY_CONTENT_URL is not set",
                "MAINSTAY_LOG_FORMAT:",
            ],
        ),
    ] {
        let mut command = program::command(&[service]);
        command.env("MAINSTAY_SECRET_KEY", "short").env("MAINSTAY_LOG_FORMAT", "yaml");
        let ended = program::run(command).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""), "{ended:?}");
        assert!(wrong.iter().all(|wrong| ended.stderr.contains(wrong)), "{ended:?}");
        assert!(!ended.stderr.contains("short"), "a secret is not repeated: {ended:?}");
    }
}

#[tokio::test]
async fn a_service_that_cannot_start_says_why() {
    let held = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = held.local_addr().unwrap();
    let mut command = program::command(&["gateway"]);
    command
        .env("MAINSTAY_AUTH_URL", "http://localhost:1")
        .env("MAINSTAY_CONTENT_URL", "http://localhost:1")
        .env("MAINSTAY_ADMIN_LISTEN", "localhost:0")
        .env("MAINSTAY_LISTEN", taken.to_string());
    let ended = program::run(command).await;
    drop(held);
    assert_eq!(ended.code, Some(69), "{ended:?}");
    assert!(ended.stderr.contains(&taken.port().to_string()), "{ended:?}");
}

#[tokio::test]
async fn keys_of_another_deployment_are_not_overwritten() {
    let stack = Stack::start().await;
    let mut command = program::command(&["auth"]);
    command
        .env("DATABASE_URL", &stack.databases.auth.url)
        .env("MAINSTAY_SECRET_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE")
        .env("MAINSTAY_ISSUER", tests::ISSUER)
        .env("MAINSTAY_LISTEN", "localhost:0")
        .env("MAINSTAY_ADMIN_LISTEN", "localhost:0");
    let ended = program::run(command).await;
    assert_eq!(ended.code, Some(69), "{ended:?}");
    assert!(ended.stderr.contains("another MAINSTAY_SECRET_KEY"), "{ended:?}");
    Person::user(&stack, "ann").await.rest().get("/api/users/me").await.expect(200);
}

#[tokio::test]
async fn a_service_without_its_database_says_so() {
    let mut command = program::command(&["auth"]);
    command
        .env("DATABASE_URL", "host=/nonexistent user=auth dbname=auth")
        .env("MAINSTAY_SECRET_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE")
        .env("MAINSTAY_ISSUER", tests::ISSUER)
        .env("MAINSTAY_LISTEN", "localhost:0")
        .env("MAINSTAY_ADMIN_LISTEN", "localhost:0");
    let ended = program::run(command).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(69), ""), "{ended:?}");
    assert!(ended.stderr.contains("the database cannot be used"), "{ended:?}");
}
