//! Pages of other origins.

use proto::content::v1::{GetPostResponse, Post};

use super::rig::{Got, Rig};

const TRUSTED: (&str, &str) = ("origin", "http://localhost:5173");
const ASKS: (&str, &str) = ("access-control-request-method", "PATCH");

fn rig() -> Rig {
    Rig::new(|_| Ok(GetPostResponse { post: Some(Post::default()) }))
}

fn cors_headers(got: &Got) -> Vec<&str> {
    let names = got.headers.keys().map(http::HeaderName::as_str);
    names
        .filter(|name| name.starts_with("access-control-") || *name == "timing-allow-origin")
        .collect()
}

#[tokio::test]
async fn browsers_are_told_what_pages_of_trusted_origins_may_send() {
    let rig = Rig::unreachable();
    for (line, methods) in [
        ("OPTIONS /api/posts/1", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("OPTIONS /api/users", "GET, HEAD, OPTIONS, POST"),
        ("OPTIONS /mainstay.content.v1.PostService/GetPost", "GET, OPTIONS, POST"),
        ("OPTIONS /api/nope", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
    ] {
        let got = rig.send(line, &[TRUSTED, ASKS], "").await;
        assert_eq!((got.status.as_u16(), got.body.len()), (204, 0), "{line}");
        for (name, value) in [
            ("access-control-allow-origin", TRUSTED.1),
            ("access-control-allow-credentials", "true"),
            ("access-control-max-age", "7200"),
        ] {
            assert_eq!(got.header(name), value, "{line}");
        }
        assert_eq!(got.header("access-control-allow-methods"), methods, "{line}");
        let taken = got.header("access-control-allow-headers");
        for name in
            ["Content-Type", "Authorization", "If-Match", "If-None-Match", "Idempotency-Key"]
        {
            assert!(taken.contains(name), "{name}: {taken}");
        }
        assert!(got.header("vary").contains("Origin"), "{got:?}");
    }
}

#[tokio::test]
async fn pages_of_trusted_origins_read_answers_and_refusals() {
    let rig = rig();
    for line in ["GET /api/posts/1", "HEAD /api/posts/1", "GET /api/nope", "GET /api/posts/1?a=b"] {
        let got = rig.send(line, &[TRUSTED], "").await;
        assert_eq!(got.header("access-control-allow-origin"), TRUSTED.1, "{line}");
        assert_eq!(got.header("access-control-allow-credentials"), "true", "{line}");
        let shown = got.header("access-control-expose-headers");
        for name in ["ETag", "Link", "Location", "RateLimit", "Retry-After", "X-Request-Id"] {
            assert!(shown.contains(name), "{line} {name}");
        }
    }
    let got = rig.send("GET /api/posts/1", &[TRUSTED], "").await;
    let held = [TRUSTED, ("if-none-match", got.header("etag"))];
    let again = rig.send("GET /api/posts/1", &held, "").await;
    assert_eq!(again.status.as_u16(), 304);
    assert_eq!(again.header("access-control-allow-origin"), TRUSTED.1);
}

#[tokio::test]
async fn pages_of_other_origins_get_nothing() {
    let rig = rig();
    for origins in [
        &["https://evil.org"][..],
        &["null"],
        &["http://localhost:5173.evil.org"],
        &["http://localhost"],
        &[""],
        &["http://localhost:5173", "https://evil.org"],
        &["http://localhost:5173", "http://localhost:5173"],
        &["*"],
        &[],
    ] {
        let mut headers: Vec<_> = origins.iter().map(|origin| ("origin", *origin)).collect();
        let got = rig.send("GET /api/posts/1", &headers, "").await;
        assert_eq!((got.status.as_u16(), cors_headers(&got)), (200, vec![]), "{origins:?}");
        assert!(got.header("vary").contains("Origin"), "another origin gets another answer");
        headers.push(ASKS);
        let got = rig.send("OPTIONS /api/posts/1", &headers, "").await;
        assert_eq!((got.status.as_u16(), cors_headers(&got)), (204, vec![]), "{origins:?}");
        assert_eq!(rig.send("OPTIONS /api/nope", &headers, "").await.problem().0, 404);
    }
}

#[tokio::test]
async fn options_without_a_question_tells_what_a_path_takes() {
    let rig = Rig::unreachable();
    for (line, post, patch) in [
        ("OPTIONS /api/posts", "", ""),
        ("OPTIONS /api/users", "application/json", ""),
        ("OPTIONS /api/posts/1", "", "application/merge-patch+json, application/json"),
    ] {
        let got = rig.send(line, &[], "").await;
        assert_eq!(
            (got.header("accept-post"), got.header("accept-patch")),
            (post, patch),
            "{line}"
        );
    }
    let form = [("content-type", "text/plain")];
    let got = rig.send("POST /api/users", &form, "{}").await;
    assert_eq!((got.problem().0, got.header("accept-post")), (415, "application/json"));
    let got = rig.send("PATCH /api/posts/1", &form, "{}").await;
    assert!(got.header("accept-patch").starts_with("application/merge-patch+json"));
}
