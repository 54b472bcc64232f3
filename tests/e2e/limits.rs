//! How much one caller may ask, whoever they say they are.

use std::time::{Duration, Instant};

use proto::{auth::v1::CreateSessionRequest, content::v1::ListPostsRequest};
use serde_json::json;
use tests::{Answer, Builder, PASSWORD, Person, Rest, Stack, metrics, refused};
use tonic::Code;
use tonic_types::StatusExt as _;

/// A stack in which one service has other limits than usual.
fn limited(service: &'static str, rates: &str) -> Builder {
    Stack::builder().set(service, "MAINSTAY_RATE_LIMITS", rates)
}

/// Remaining requests and seconds, as a client reads them.
fn told(answer: &Answer, class: &str) -> (u32, u64) {
    let text = answer.header("ratelimit").strip_prefix(&format!("\"{class}\";r=")).unwrap();
    let (remaining, seconds) = text.split_once(";t=").unwrap();
    (remaining.parse().unwrap(), seconds.parse().unwrap())
}

#[tokio::test]
async fn a_caller_who_asks_too_much_is_told_when_to_come_again() {
    let stack = limited("gateway", "read=3/60s,write=100/60s").start().await;
    let rest = Rest::new(stack.gateway.listen);
    for (path, status, left) in
        [("/api/posts", 200, 2), ("/api/posts/1", 404, 1), ("/api/posts?pageSize=x", 400, 0)]
    {
        let answer = rest.get(path).await.expect(status);
        assert_eq!(answer.header("ratelimit-policy"), "\"read\";q=3;w=60");
        let (remaining, seconds) = told(&answer, "read");
        assert_eq!(remaining, left, "{answer:?}");
        assert!((1..=60).contains(&seconds), "{answer:?}");
    }
    let answer = rest.get("/api/posts").await.refused(429, "RATE_LIMITED");
    let (remaining, seconds) = told(&answer, "read");
    let retry_after: u64 = answer.header("retry-after").parse().unwrap();
    assert_eq!(remaining, 0);
    assert!(retry_after >= seconds && retry_after <= 20, "one every 20 s: {answer:?}");
    // Changing something is another budget; what has no route is looking.
    let answer = rest.post("/api/users/me/posts", json!({"title": "x"})).await;
    assert_eq!(told(&answer.expect(401), "write").0, 99);
    assert_eq!(told(&rest.get("/nope").await.refused(429, "RATE_LIMITED"), "read").0, 0);
    let refused = metrics(&stack.gateway).await;
    let count = refused.sum("gateway_requests_rate_limited_total", "class=\"read\"");
    assert!((count - 2.0).abs() < f64::EPSILON, "{refused:?}");
}

#[tokio::test]
async fn a_body_that_is_not_wanted_is_not_waited_for() {
    let stack = limited("gateway", "write=1/600s").start().await;
    let rest = Rest::new(stack.gateway.listen);
    rest.post("/api/users/me/posts", json!({"title": "x"})).await.expect(401);
    // The body is announced and never sent.
    let head = "POST /api/users/me/posts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
    let asked = Instant::now();
    let answer = tests::raw::exchange(stack.gateway.listen, head.as_bytes()).await;
    assert_eq!(tests::raw::status(&answer), Some(429), "{answer}");
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn users_have_budgets_of_their_own_and_made_up_tokens_do_not() {
    let stack = limited("gateway", "read=4/600s").start().await;
    let ann = Person::user(&stack, "ann").await;
    let bob = Person::user(&stack, "bob").await;
    let strangers = Rest::new(stack.gateway.listen);
    for left in [3, 2, 1, 0] {
        let made_up = format!("{}.{left}", ann.grpc().token());
        let answer = strangers.call("GET", "/api/posts").bearer(&made_up).send().await;
        assert_eq!(told(&answer.refused(401, "TOKEN_INVALID"), "read").0, left);
    }
    let another = strangers.call("GET", "/api/posts").bearer("another").send().await;
    another.refused(429, "RATE_LIMITED");
    strangers.get("/api/posts").await.refused(429, "RATE_LIMITED");
    // With a cookie or a token, it is the same user.
    for left in [3, 2] {
        assert_eq!(told(&ann.rest().get("/api/posts").await.expect(200), "read").0, left);
    }
    let by_token = strangers.call("GET", "/api/posts").bearer(ann.grpc().token()).send().await;
    assert_eq!(told(&by_token.expect(200), "read").0, 1);
    assert_eq!(told(&bob.rest().get("/api/posts").await.expect(200), "read").0, 3);
}

#[tokio::test]
async fn addresses_are_taken_from_trusted_proxies_only() {
    let from = async |rest: &Rest, address: &str| {
        rest.call("GET", "/api/posts").header("x-forwarded-for", address).send().await.status
    };
    let builder = limited("gateway", "read=1/600s");
    let stack = builder.set("gateway", "MAINSTAY_TRUSTED_PROXIES", "loopback").start().await;
    let rest = Rest::new(stack.gateway.listen);
    assert_eq!(from(&rest, "192.0.2.1").await, 200);
    assert_eq!(from(&rest, "192.0.2.1").await, 429);
    assert_eq!(from(&rest, "192.0.2.2").await, 200);
    assert_eq!(from(&rest, "192.0.2.3, 192.0.2.2").await, 429, "what the client wrote itself");
    assert_eq!(from(&rest, "2001:db8:1:2::1").await, 200);
    assert_eq!(from(&rest, "2001:db8:1:2:ffff::1").await, 429, "one network");
    assert_eq!(from(&rest, "2001:db8:1:3::1").await, 200);

    let stack = limited("gateway", "read=1/600s").start().await;
    let rest = Rest::new(stack.gateway.listen);
    assert_eq!(from(&rest, "192.0.2.1").await, 200);
    assert_eq!(from(&rest, "192.0.2.2").await, 429, "nobody is trusted");
}

#[tokio::test]
async fn services_limit_those_who_call_them_directly() {
    let stack = limited("content", "read=3/600s").start().await;
    let ann = Person::user(&stack, "ann").await;
    let stranger = Person::stranger(&stack);
    let list =
        async |who: &Person| who.grpc().posts().list_posts(ListPostsRequest::default()).await;
    for _ in 0..3 {
        list(&stranger).await.unwrap();
    }
    let status = refused(list(&stranger).await, Code::ResourceExhausted, "RATE_LIMITED");
    let delay = status.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(delay > Duration::from_secs(100), "one every 200 s: {delay:?}");
    let made_up = stranger.grpc().with_token("made.up.token");
    let answer = made_up.posts().list_posts(ListPostsRequest::default()).await;
    refused(answer, Code::ResourceExhausted, "RATE_LIMITED");
    list(&ann).await.unwrap();
    // The gateway has counted its strangers itself; users are known everywhere.
    for _ in 0..5 {
        Rest::new(stack.gateway.listen).get("/api/posts").await.expect(200);
    }
    for _ in 0..2 {
        ann.rest().get("/api/posts").await.expect(200);
    }
    let answer = ann.rest().get("/api/posts").await.refused(429, "RATE_LIMITED");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 100, "{answer:?}");
}

#[tokio::test]
async fn an_account_buys_nobody_more_guesses() {
    let builder = limited("auth", "sign-in=8/600s");
    let stack = builder.set("gateway", "MAINSTAY_TRUSTED_PROXIES", "loopback").start().await;
    // Signing up, and signing in on two devices; both services exchange their keys.
    let ann = Person::user(&stack, "ann").await;
    let guess = CreateSessionRequest {
        email: "bob@example.com".to_owned(),
        password: "wrong wrong wrong".to_owned(),
        ..CreateSessionRequest::default()
    };
    for _ in 0..3 {
        let answer = ann.grpc().sessions().create_session(guess.clone()).await;
        refused(answer, Code::Unauthenticated, "INVALID_CREDENTIALS");
    }
    let answer = ann.grpc().sessions().create_session(guess.clone()).await;
    refused(answer, Code::ResourceExhausted, "RATE_LIMITED");
    // Through the gateway it is the client's address that counts, not the gateway's.
    let sign_in = async |address: &str| {
        let body = json!({"email": ann.email, "password": PASSWORD});
        let call = Rest::new(stack.gateway.listen).call("POST", "/api/sessions").json(&body);
        call.header("x-forwarded-for", address).send().await.status
    };
    for _ in 0..8 {
        assert_eq!(sign_in("192.0.2.1").await, 201);
    }
    assert_eq!(sign_in("192.0.2.1").await, 429);
    assert_eq!(sign_in("192.0.2.2").await, 201);
}

#[tokio::test]
async fn a_store_of_limits_that_is_not_there_stops_nobody() {
    let builder = limited("gateway", "read=5/600s");
    let nowhere = "redis://127.0.0.1:1/";
    let stack = builder.set("gateway", "MAINSTAY_REDIS_URL", nowhere).start().await;
    let rest = Rest::new(stack.gateway.listen);
    for _ in 0..5 {
        rest.get("/api/posts").await.expect(200);
    }
    rest.get("/api/posts").await.refused(429, "RATE_LIMITED");
    let failures = metrics(&stack.gateway).await;
    assert!(failures.sum("gateway_limits_store_failures_total", "") >= 1.0, "{failures:?}");
    let warnings = stack.gateway.log().matches("store of limits fails").count();
    assert_eq!(warnings, 1, "{}", stack.gateway.log());
}

#[tokio::test]
async fn a_client_is_not_kept_longer_than_it_waits() {
    let stack = Stack::start().await;
    let late = async || {
        let asked = Instant::now();
        let call = Rest::new(stack.gateway.listen).call("GET", "/api/posts");
        let answer = call.header("grpc-timeout", "300m").send().await;
        (answer, asked.elapsed())
    };
    let (answer, took) = stack.databases.content.while_locked("posts", late).await;
    answer.refused(504, "DEADLINE_EXCEEDED");
    assert!(took < Duration::from_secs(5), "the usual limit is 10 s: {took:?}");
}
