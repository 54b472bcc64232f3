//! A service that fails is not buried under retries, one that is gone is left
//! alone, and one that is back is used again soon.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::future::{Ready, join_all, ready};
use http::{Request, Response};
use tests::{Person, Rest, Service as Process, Stack, eventually, metrics};
use tonic::{
    Status,
    body::Body,
    server::NamedService,
    transport::{Server, server::TcpIncoming},
};
use tower::Service;

/// A content service that cannot do anything.
#[derive(Clone, Default)]
struct Failing(Arc<AtomicUsize>);

impl NamedService for Failing {
    const NAME: &'static str = "mainstay.content.v1.PostService";
}

impl Service<Request<Body>> for Failing {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        self.0.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Status::unavailable("").into_http()))
    }
}

/// A gateway in front of a content service at an address, and of nothing else.
async fn gateway(content: &str, logs: &std::path::Path) -> Process {
    let settings = [
        ("MAINSTAY_LISTEN", "localhost:0"),
        ("MAINSTAY_ADMIN_LISTEN", "localhost:0"),
        ("MAINSTAY_STOP_ON_STDIN_CLOSE", "true"),
        ("MAINSTAY_RATE_LIMITS", "read=off,write=off"),
        // Strangers who ask alike at once would be one call.
        ("MAINSTAY_CACHE_BYTES", "0"),
        ("MAINSTAY_AUTH_URL", "http://127.0.0.1:1"),
        ("MAINSTAY_CONTENT_URL", content),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Process::start("gateway", BTreeMap::from(settings), logs).await
}

#[tokio::test]
async fn a_service_that_always_fails_is_called_a_tenth_more_and_no_oftener() {
    const CLIENT_CALLS: usize = 2_000;
    const RESERVE: usize = 50;
    let failing = Failing::default();
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let content = format!("http://{}", incoming.local_addr().unwrap());
    let server = Server::builder().add_service(failing.clone()).serve_with_incoming(incoming);
    let logs = tempfile::tempdir().unwrap();
    let clients = async {
        let gateway = gateway(&content, logs.path()).await;
        let rest = Rest::new(gateway.listen);
        for _ in 0..CLIENT_CALLS / 20 {
            let calls = (0..20).map(|_| rest.get("/api/posts"));
            for answer in join_all(calls).await {
                answer.refused(503, "UNAVAILABLE");
            }
        }
        metrics(&gateway).await
    };
    let metrics = tokio::select! {
        metrics = clients => metrics,
        ended = server => panic!("the server ended: {ended:?}"),
    };
    let calls = failing.0.load(Ordering::Relaxed);
    assert!(calls >= CLIENT_CALLS, "what a service answers is no reason to spare it: {calls}");
    assert!(calls <= CLIENT_CALLS * 11 / 10 + RESERVE, "{calls} for {CLIENT_CALLS}");
    assert!(metrics.sum("gateway_retries_total", "result=\"made\"") > 0.0, "{metrics:?}");
    assert!(metrics.sum("gateway_retries_total", "result=\"no_budget\"") > 0.0, "{metrics:?}");
}

#[tokio::test]
async fn a_service_that_is_gone_is_left_alone_and_used_again_within_two_seconds_of_its_return() {
    const NAME: &str = "gateway_breaker_state";
    const CONTENT: &str = "backend=\"mainstay.content\"";
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    ann.rest().get("/api/posts").await.expect(200);
    stack.content.kill();
    let limit = Duration::from_secs(20);
    eventually("it is left alone", limit, async || {
        let answer = ann.rest().get("/api/posts").await.refused(503, "UNAVAILABLE");
        assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{answer:?}");
        (metrics(&stack.gateway).await.sum(NAME, CONTENT) >= 1.0).then_some(())
    })
    .await;
    // The others are not.
    ann.rest().get("/api/users/me").await.expect(200);

    stack.content.start_again().await;
    let back = Instant::now();
    eventually("it is used again", limit, async || {
        (ann.rest().get("/api/posts").await.status == 200).then_some(())
    })
    .await;
    let took = back.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    let closed = metrics(&stack.gateway).await;
    assert!(closed.sum(NAME, CONTENT).abs() < f64::EPSILON, "{closed:?}");
}
