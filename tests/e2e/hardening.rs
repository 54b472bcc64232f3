//! What reviews found, held for good.

use std::time::Duration;

use http_body_util::BodyExt as _;
use proto::content::v1::{CreatePostRequest, GetPostRequest, UpdatePostRequest};
use serde_json::json;
use tests::{Person, Rest, Stack, channel, eventually, metrics, refused};
use tonic::{Code, Request};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_previous_binary_starts_on_a_newer_schema() {
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.publish("Still there").await;
    let sql = "INSERT INTO migrations (version, name, applied_on, checksum) \
               SELECT 9999, 'next', applied_on, '1' FROM migrations LIMIT 1";
    stack.databases.content.execute(sql, &[]).await;
    stack.content.kill();
    stack.content.start_again().await;
    ann.rest().get(&format!("/api/posts/{id}")).await.expect(200);
}

#[tokio::test]
async fn open_health_watchers_do_not_hold_the_end() {
    let mut stack = Stack::builder().set("auth", "MAINSTAY_DRAIN_SECONDS", "60").start().await;
    let mut client = HealthClient::new(channel(&stack.auth));
    let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    stack.auth.terminate();
    assert!(stack.auth.ended(SOON).await.success());
    let last = watch.message().await.unwrap().unwrap();
    assert_eq!(last.status, 2, "NOT_SERVING comes before the end");
    assert_eq!(watch.message().await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn statements_end_with_the_calls_that_they_are_for() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.publish("Locked").await;
    let content = &stack.databases.content;
    content
        .while_locked("posts", async || {
            let calls = (0..16).map(|_| async {
                let post_id = id.clone();
                let title = Some("Changed".to_owned());
                let mut request = Request::new(UpdatePostRequest {
                    post_id,
                    title,
                    etag: "*".to_owned(),
                    ..UpdatePostRequest::default()
                });
                request.set_timeout(Duration::from_millis(300));
                ann.grpc().posts().update_post(request).await.unwrap_err().code()
            });
            for code in futures_util::future::join_all(calls).await {
                assert!([Code::DeadlineExceeded, Code::Cancelled].contains(&code), "{code:?}");
            }
            // Before the lock is released, and so not because it is.
            // It is also well before the server's own limit of 8 s for any statement.
            let limit = Duration::from_secs(4);
            eventually("no statement waits for nobody", limit, async || {
                let sql = "SELECT FROM pg_stat_activity WHERE datname = current_database() \
                           AND state = 'active' AND query LIKE '%content.posts.update%' \
                           AND pid <> pg_backend_pid()";
                content.rows(sql, &[]).await.is_empty().then_some(())
            })
            .await;
        })
        .await;
    ann.rest().get(&format!("/api/posts/{id}")).await.expect(200);
}

#[tokio::test]
async fn however_much_is_wrong_the_answer_says_what() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let many = json!({"title": "t", "tags": vec![""; 20_000]});
    let answer = ann.rest().post("/api/users/me/posts", many).await.refused(422, "INVALID_FIELDS");
    assert_eq!(answer.body["errors"][0]["pointer"], "#/tags");
    let paths = (0..5_000).map(|n| format!("unknown_{n}")).collect();
    let update = UpdatePostRequest {
        post_id: ann.write("Draft").await,
        update_mask: Some(prost_types::FieldMask { paths }),
        ..UpdatePostRequest::default()
    };
    refused(ann.grpc().posts().update_post(update).await, Code::InvalidArgument, "INVALID_FIELDS");
}

#[tokio::test]
async fn posts_of_one_title_always_find_an_address() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let first = ann.write("Foo").await;
    let second = ann.write("Other").await;
    let tail = second.replace('-', "").split_off(24);
    ann.write(&format!("Foo {tail}")).await;
    let path = format!("/api/posts/{second}");
    let renamed = ann.rest().patch(&path, json!({"title": "Foo"})).await.expect(200);
    assert!(renamed.text_at("/slug").starts_with("foo-"), "{renamed:?}");
    assert_ne!(first, second);
}

#[tokio::test]
async fn cookies_of_others_and_long_tokens_do_no_harm() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let access = ann.rest().cookie("__Host-access").unwrap();
    let stranger = Rest::new(stack.gateway.listen);
    let cookies = format!("theme=caf\u{e9}; __Host-access={access}");
    stranger.call("GET", "/api/users/me").header("cookie", &cookies).send().await.expect(200);
    for (length, status, code) in [
        (5_000, 401, "TOKEN_INVALID"),
        (15_000, 401, "TOKEN_INVALID"),
        (30_000, 431, "HEADERS_TOO_LARGE"),
        (500_000, 431, "HEADERS_TOO_LARGE"),
    ] {
        let token = "x".repeat(length);
        let call = stranger.call("GET", "/api/users/me").bearer(&token);
        call.send().await.refused(status, code);
        let cookie = format!("__Host-access={token}");
        let call = stranger.call("GET", "/api/posts").header("cookie", &cookie);
        let answer = call.send().await;
        assert!([200, status].contains(&answer.status), "{answer:?}");
    }
}

#[tokio::test]
async fn made_up_methods_do_not_grow_the_metrics() {
    let stack = Stack::start().await;
    let stranger = Rest::new(stack.gateway.listen);
    for n in 0..50 {
        stranger.call(&format!("M{n}"), "/api/posts").send().await;
    }
    let metrics = metrics(&stack.gateway).await;
    assert!(!metrics.0.contains("M49"), "{}", metrics.0);
    let others = r#"http_request_method="_OTHER""#;
    assert!(metrics.sum("http_server_request_duration_seconds_count", others) >= 50.0);
}

#[tokio::test]
async fn what_tonic_refuses_has_a_reason_too() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let large = CreatePostRequest {
        user_id: "me".to_owned(),
        title: "t".to_owned(),
        body: "b".repeat(2 * 1024 * 1024),
        ..CreatePostRequest::default()
    };
    let answer = ann.grpc().posts().create_post(large).await;
    refused(answer, Code::ResourceExhausted, "PAYLOAD_TOO_LARGE");

    let client = hyper_client();
    let garbled = [0, 0, 0, 0, 2, 0x0a, 0xff];
    let uri = format!("{}/mainstay.content.v1.PostService/GetPost", stack.content.url());
    let request = http::Request::post(uri)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(http_body_util::Full::new(bytes::Bytes::copy_from_slice(&garbled)))
        .unwrap();
    let answer = client.request(request).await.unwrap();
    assert_eq!(answer.headers()["grpc-status"], "3", "{answer:?}");
    drop(answer.into_body().collect().await);
}

type Client = hyper_util::client::legacy::Client<
    hyper_util::client::legacy::connect::HttpConnector,
    http_body_util::Full<bytes::Bytes>,
>;

fn hyper_client() -> Client {
    let executor = hyper_util::rt::TokioExecutor::new();
    hyper_util::client::legacy::Client::builder(executor).http2_only(true).build_http()
}

#[tokio::test]
async fn signing_out_twice_is_signing_out() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let copy = ann.rest().copy();
    ann.rest().delete("/api/sessions/current").await.expect(204);
    assert_eq!(ann.rest().cookie("__Host-session"), None);
    copy.delete("/api/sessions/current").await.expect(204);
    assert_eq!(copy.cookie("__Host-session"), None);

    let bob = Person::user(&stack, "bob").await;
    bob.rest().delete("/api/users/me").await.expect(204);
    assert_eq!(bob.rest().cookie("__Host-access"), None);
}

#[tokio::test]
async fn whoever_cannot_be_known_just_now_is_not_told_to_sign_in() {
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let draft = ann.write("Draft").await;
    let id = ann.publish("Public").await;
    // The access cookie has expired in the browser, and auth is gone.
    ann.rest().set_cookie("__Host-access", None);
    stack.auth.kill();
    ann.rest().get(&format!("/api/posts/{id}")).await.expect(200);
    for path in ["/api/users/me/posts", &format!("/api/posts/{draft}"), "/api/users/me"] {
        ann.rest().get(path).await.refused(503, "UNAVAILABLE");
    }
    assert!(ann.rest().cookie("__Host-session").is_some(), "the session is kept");
    stack.auth.start_again().await;
    // A service that was gone is looked at once a second.
    eventually("auth is called again", Duration::from_secs(10), async || {
        (ann.rest().get("/api/users/me").await.status == 200).then_some(())
    })
    .await;
    let found = ann.grpc().posts().get_post(GetPostRequest { post_id: draft }).await.unwrap();
    assert_eq!(found.into_inner().post.unwrap().title, "Draft");
}
