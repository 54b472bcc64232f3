//! What clients get when a service fails.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use platform::{
    request_id::RequestContext,
    status::{Reason, refuse},
};
use proptest::prelude::*;
use prost::Message;
use proto::content::v1::GetPostResponse;
use tokio::runtime::{Builder, Runtime};
use tonic::{Code, Status};
use tower::ServiceExt;

use super::rig::Rig;

/// One for all that is made up below.
static RIG: OnceLock<(Runtime, Rig)> = OnceLock::new();

/// A body that stands for whatever may panic while a request is served.
struct Panics;

impl http_body::Body for Panics {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        panic!("of hunter2")
    }
}

#[tokio::test]
async fn a_panic_is_told_like_every_failure_and_not_what_it_said() {
    let rig = Rig::unreachable();
    let request = Request::post("/api/sessions").header("host", "a.org").body(Panics).unwrap();
    let context = RequestContext::read(request.headers());
    let id = context.id().to_owned();
    let response = context.scope(rig.gateway().oneshot(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.contains("\"INTERNAL\"") && text.contains(&id), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn an_unreachable_service_is_unavailable_for_now() {
    let rig = Rig::unreachable();
    for line in ["GET /api/posts/1", "POST /api/posts/1/publish"] {
        let got = rig.send(line, &[], "").await;
        assert_eq!(got.problem(), (503, "UNAVAILABLE".to_owned()), "{line}");
        assert_eq!(got.header("retry-after"), "1");
        assert!(!String::from_utf8_lossy(&got.body).contains("127.0.0.1"), "{got:?}");
    }
}

#[tokio::test]
async fn only_what_changes_nothing_is_tried_again_and_thrice_at_most() {
    let count = AtomicUsize::new(0);
    let rig = Rig::new(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Err(refuse(Reason::UNAVAILABLE)),
        _ => Ok(GetPostResponse::default()),
    });
    assert_eq!(rig.send("GET /api/posts/1", &[], "").await.status, StatusCode::OK);
    assert_eq!(rig.calls().len(), 2);

    let rig = Rig::new(|_| Err::<(), _>(refuse(Reason::UNAVAILABLE)));
    assert_eq!(rig.send("GET /api/posts/1", &[], "").await.problem().0, 503);
    assert_eq!(rig.calls(), ["GetPost"; 3]);
    assert_eq!(rig.send("POST /api/posts/1/publish", &[], "").await.problem().0, 503);
    assert_eq!(rig.calls().len(), 4);
}

#[tokio::test]
async fn a_late_answer_is_out_of_time() {
    let rig = Rig::slow(|_| Box::pin(std::future::pending()));
    let request = Request::builder().uri("/api/posts/1").header("host", "a.org");
    let request = request.body(Full::new(Bytes::new())).unwrap();
    let started = Instant::now();
    let mut context = RequestContext::read(request.headers());
    context.deadline = Some(started + Duration::from_millis(100));
    let got = context.scope(rig.gateway().oneshot(request)).await.unwrap();
    assert_eq!(got.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn causes_stay_with_the_services() {
    let rig = Rig::new(|_| Err::<(), _>(Status::new(Code::Unknown, "password=hunter2")));
    let got = rig.send("GET /api/posts/1", &[], "").await;
    assert_eq!(got.problem(), (500, "INTERNAL".to_owned()));
    assert!(!String::from_utf8_lossy(&got.body).contains("hunter2"));
    let rig = Rig::slow(|_| Box::pin(async { Ok(vec![0xff]) }));
    assert_eq!(rig.send("GET /api/posts/1", &[], "").await.problem().0, 500);
}

#[tokio::test]
async fn a_large_reply_is_carried_whole() {
    let body = "b".repeat(6 * 1024 * 1024);
    let post = proto::content::v1::Post { body: Some(body), ..Default::default() };
    let reply = GetPostResponse { post: Some(post) }.encode_to_vec();
    let rig = Rig::slow(move |_| {
        let reply = reply.clone();
        Box::pin(async { Ok(reply) })
    });
    let got = rig.send("GET /api/posts/1", &[], "").await;
    assert!(got.status == StatusCode::OK && got.body.len() > 6 * 1024 * 1024);
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let name = prop::sample::select(vec![
        "cookie",
        "accept",
        "content-type",
        "origin",
        "sec-fetch-site",
        "content-length",
        "host",
        "authorization",
        "transfer-encoding",
        "content-encoding",
    ]);
    let value = prop_oneof![
        "[ -~]{0,40}",
        Just("__Host-access=a; __Host-session=b".to_owned()),
        Just("application/json".to_owned()),
    ];
    prop::collection::vec((name, value), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is sent, the answer is a client's fault or a success: with no
    /// service behind it, the only other answer is 503.
    #[test]
    fn nothing_that_is_sent_is_our_fault(
        method in prop::sample::select(vec!["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "TRACE", "X"]),
        path in prop_oneof![
            "/[!-~]{0,30}",
            "/api/(posts|users|sessions)(/[!-~]{0,10}){0,3}",
            "/(problems|sign-in)[!-~]{0,6}",
        ],
        headers in headers(),
        body in prop_oneof!["[ -~]{0,40}", "\\{\"[a-z]{1,5}\": ?[0-9\\[\\]{}\"]{0,9}\\}"],
    ) {
        let request = Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |request, (k, v)| request.header(*k, v));
        if let Ok(request) = request.body(Full::from(body)) {
            let (runtime, rig) = RIG.get_or_init(|| {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                let rig = runtime.block_on(async { Rig::unreachable() });
                (runtime, rig)
            });
            let status = runtime.block_on(rig.send_request(request)).status;
            prop_assert!(!status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE, "{status}");
        }
    }
}
