//! What clients get when all goes well, and what they get for a bad request.

use http::{HeaderMap, StatusCode};
use platform::status::{Reason, Violation, invalid, refuse};
use proto::{
    auth::v1::{CreateUserRequest, CreateUserResponse, GetKeySetResponse, Jwk, User},
    content::v1::{
        CreatePostRequest, CreatePostResponse, DeletePostResponse, GetPostResponse,
        ListPostsRequest, ListPostsResponse, Post, UpdatePostRequest, UpdatePostResponse,
    },
};
use serde_json::{Value, json};

use super::rig::Rig;

const JSON: (&str, &str) = ("content-type", "application/json");

fn post() -> Post {
    Post { id: "p1".to_owned(), title: "T".to_owned(), ..Post::default() }
}

#[tokio::test]
async fn created_things_say_where_they_are() {
    let rig = Rig::new(|_| Ok(CreatePostResponse { post: Some(post()) }));
    let got = rig.send("POST /api/users/me/posts", &[JSON], r#"{"title":"T","tags":["a"]}"#).await;
    assert_eq!((got.status, got.header("location")), (StatusCode::CREATED, "/api/posts/p1"));
    assert_eq!(
        (got.header("content-type"), got.header("cache-control")),
        ("application/json", "no-store")
    );
    assert_eq!((&got.json()["title"], &got.json()["tags"]), (&json!("T"), &json!([])));
    assert_eq!(got.route.as_deref(), Some("/api/users/{user_id}/posts"));
    let request: CreatePostRequest = rig.last_call().decode();
    assert_eq!(
        (&*request.user_id, &*request.title, &*request.tags),
        ("me", "T", &["a".to_owned()][..])
    );

    let user = User { id: "a/b c".to_owned(), ..User::default() };
    let rig = Rig::new(move |_| Ok(CreateUserResponse { user: Some(user.clone()) }));
    let got = rig.send("POST /api/users", &[JSON], "{}").await;
    assert_eq!(got.header("location"), "/api/users/a%2Fb%20c");
    assert_eq!(rig.last_call().decode::<CreateUserRequest>(), CreateUserRequest::default());
}

#[tokio::test]
async fn answers_carry_what_protects_their_readers() {
    let rig = Rig::new(|_| Ok(GetPostResponse { post: Some(post()) }));
    for line in ["GET /api/posts/1", "GET /api/nope", "OPTIONS /api/posts", "GET /", "TRACE /"] {
        let got = rig.send(line, &[], "").await;
        for (name, value) in [
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("server", ""),
        ] {
            assert_eq!(got.header(name), value, "{line}");
        }
        assert!(got.header("content-security-policy").contains("default-src 'none'"), "{line}");
        assert!(got.header("permissions-policy").contains("camera=()"), "{line}");
        let is_shared = line == "GET /api/posts/1";
        assert_eq!(got.header("cache-control") == "no-store", !is_shared, "{line}");
    }
}

#[tokio::test]
async fn what_is_sent_along_reaches_the_service() {
    let rig = Rig::new(|_| Ok(GetPostResponse::default()));
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [("x-request-id", "request-1"), ("traceparent", trace), ("x-other", "no")];
    rig.send("GET /api/posts/1", &headers, "").await;
    let metadata: HeaderMap = rig.last_call().metadata;
    assert_eq!(metadata["x-request-id"], "request-1");
    assert_eq!(
        metadata["traceparent"].to_str().unwrap().split('-').nth(1),
        trace.split('-').nth(1)
    );
    assert!(metadata["grpc-timeout"].to_str().unwrap().ends_with('m'));
    assert!(!metadata.contains_key("x-other") && !metadata.contains_key("authorization"));
}

#[tokio::test]
async fn lists_take_their_query_and_their_path() {
    let rig = Rig::new(|_| Ok(ListPostsResponse { posts: vec![post()], next_page_token: None }));
    let got = rig.send("GET /api/users/u1/posts?pageSize=5&page_token=a%2Bb", &[], "").await;
    assert_eq!(got.json()["posts"][0]["id"], "p1");
    assert_eq!(got.json().get("nextPageToken"), None);
    let request: ListPostsRequest = rig.last_call().decode();
    let expected = ListPostsRequest {
        user_id: "u1".to_owned(),
        page_size: Some(5),
        page_token: "a+b".to_owned(),
    };
    assert_eq!(request, expected);
}

#[tokio::test]
async fn patches_name_what_changes() {
    let rig = Rig::new(|_| Ok(UpdatePostResponse { post: Some(post()) }));
    let patch = [("content-type", "application/merge-patch+json")];
    let got = rig.send("PATCH /api/posts/p1", &patch, r#"{"title":null,"tags":["x"]}"#).await;
    assert_eq!(got.status, StatusCode::OK);
    let request: UpdatePostRequest = rig.last_call().decode();
    assert_eq!((request.title, request.tags), (None, vec!["x".to_owned()]));
    let mut paths = request.update_mask.unwrap().paths;
    paths.sort_unstable();
    assert_eq!(paths, ["tags", "title"]);
}

#[tokio::test]
async fn silent_answers_have_no_content() {
    let rig = Rig::new(|_| Ok(DeletePostResponse {}));
    let got = rig.send("DELETE /api/posts/p1", &[], "").await;
    assert_eq!((got.status, got.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(got.header("content-type"), "");
}

#[tokio::test]
async fn only_what_the_contract_lets_anybody_keep_may_be_kept() {
    let rig = Rig::new(|_| Ok(GetKeySetResponse { keys: vec![Jwk::default()] }));
    let got = rig.send("GET /.well-known/jwks.json", &[], "").await;
    assert_eq!(got.header("cache-control"), "public, max-age=300");
    let rig = Rig::new(|_| Err::<(), _>(refuse(Reason::INTERNAL)));
    let got = rig.send("GET /.well-known/jwks.json", &[], "").await;
    assert_eq!(got.header("cache-control"), "no-store");
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let rig = Rig::new(|_| Ok(GetPostResponse { post: Some(post()) }));
    let (get, head) =
        (rig.send("GET /api/posts/1", &[], "").await, rig.send("HEAD /api/posts/1", &[], "").await);
    assert_eq!((head.status, head.body.len()), (get.status, 0));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    let missing = rig.send("HEAD /api/nope", &[], "").await;
    assert_eq!((missing.status, missing.body.len()), (StatusCode::NOT_FOUND, 0));
}

#[tokio::test]
async fn paths_tell_what_they_take() {
    let rig = Rig::unreachable();
    let got = rig.send("OPTIONS /api/posts", &[], "").await;
    assert_eq!((got.status, got.header("allow")), (StatusCode::NO_CONTENT, "GET, HEAD, OPTIONS"));
    let got = rig.send("DELETE /api/posts", &[], "").await;
    assert_eq!(got.problem(), (405, "METHOD_NOT_ALLOWED".to_owned()));
    assert_eq!(got.header("allow"), "GET, HEAD, OPTIONS");
    let got = rig.send("POST /sign-in", &[], "").await;
    assert_eq!((got.problem().0, got.header("allow")), (405, "GET, HEAD, OPTIONS"));
    for line in ["TRACE /api/posts", "CONNECT a.org:80"] {
        assert_eq!(rig.send(line, &[], "").await.problem().0, 405);
    }
    for (line, suggestion) in [
        ("GET /api/post", json!("/api/posts")),
        ("GET /api/posts/", json!("/api/posts")),
        ("OPTIONS /api/posts/1/", json!("/api/posts/1")),
        ("POST /elsewhere", Value::Null),
        ("GET /problems/nope", Value::Null),
    ] {
        let got = rig.send(line, &[], "").await;
        assert_eq!(got.problem(), (404, "ROUTE_NOT_FOUND".to_owned()), "{line}");
        assert_eq!(got.json()["suggestion"], suggestion, "{line}");
    }
}

#[tokio::test]
async fn problems_point_at_what_the_client_sent() {
    let violation = |field: &str| Violation {
        field: field.to_owned(),
        code: "TOO_LONG",
        rule: "must be shorter".to_owned(),
    };
    let rig = Rig::new(move |call| {
        let fields =
            if call.method == "ListPosts" { &["page_size"][..] } else { &["title", "tags[1]"] };
        Err::<(), _>(invalid(fields.iter().map(|field| violation(field))))
    });
    let got =
        rig.send("POST /api/users/me/posts", &[JSON, ("x-request-id", "request-1")], "{}").await;
    let expected = json!({
        "type": "/problems/invalid-fields", "title": "Invalid fields", "status": 422,
        "detail": "title must be shorter; tags/1 must be shorter", "code": "INVALID_FIELDS",
        "requestId": "request-1",
        "errors": [
            {"pointer": "#/title", "code": "TOO_LONG", "detail": "must be shorter"},
            {"pointer": "#/tags/1", "code": "TOO_LONG", "detail": "must be shorter"},
        ],
    });
    assert_eq!(got.json(), expected);
    let got = rig.send("GET /api/posts?pageSize=1000", &[], "").await;
    assert_eq!(got.problem(), (400, "INVALID_PARAMETER".to_owned()));
    assert_eq!(got.json()["errors"][0]["parameter"], "pageSize");
}

#[tokio::test]
async fn bad_requests_do_not_reach_a_service() {
    let rig = Rig::new(|_| Ok(CreateUserResponse::default()));
    let (line, large) = ("POST /api/users", "x".repeat(1024 * 1024 + 1));
    for (line, headers, body, expected) in [
        (line, &[JSON][..], "{", (400, "MALFORMED_JSON")),
        (line, &[JSON], "{\"email\":1}", (422, "INVALID_FIELDS")),
        (line, &[JSON], "{\"emial\":\"a\"}", (422, "INVALID_FIELDS")),
        (line, &[JSON], "[]", (422, "INVALID_FIELDS")),
        (line, &[], "{}", (415, "UNSUPPORTED_MEDIA_TYPE")),
        (line, &[JSON, ("content-encoding", "gzip")], "{}", (415, "UNSUPPORTED_MEDIA_TYPE")),
        (line, &[JSON, ("accept", "text/html")], "{}", (406, "NOT_ACCEPTABLE")),
        (line, &[JSON], &large, (413, "PAYLOAD_TOO_LARGE")),
        (line, &[JSON, ("origin", "https://evil.org")], "{}", (403, "CROSS_SITE_REQUEST")),
        (line, &[JSON, ("sec-fetch-site", "cross-site")], "{}", (403, "CROSS_SITE_REQUEST")),
        ("POST /api/users?email=a", &[JSON], "{}", (400, "UNKNOWN_PARAMETER")),
        ("GET /api/posts?pagesize=1", &[], "", (400, "UNKNOWN_PARAMETER")),
        ("GET /api/posts?pageSize=x", &[], "", (400, "INVALID_PARAMETER")),
        ("POST /api/posts/1/publish", &[JSON], "{\"a\":1}", (422, "INVALID_FIELDS")),
        ("GET /api/posts/%2e%2e", &[], "", (400, "MALFORMED_REQUEST")),
        ("GET /api/posts/a%2fb", &[], "", (400, "MALFORMED_REQUEST")),
        ("GET /api//posts", &[], "", (400, "MALFORMED_REQUEST")),
        ("GET /api/posts", &[("host", "b.org")], "", (400, "MALFORMED_REQUEST")),
    ] {
        let got = rig.send(line, headers, body).await;
        let (status, code) = got.problem();
        assert_eq!((status, &*code), expected, "{line} {headers:?}");
    }
    assert_eq!(rig.calls(), [""; 0]);
}

#[tokio::test]
async fn harmless_bodies_and_types_are_let_through() {
    let rig = Rig::new(|_| Ok(GetPostResponse { post: Some(post()) }));
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (line, headers, body) in [
        ("POST /api/posts/1/publish", &[][..], ""),
        ("POST /api/posts/1/publish", &[form], ""),
        ("POST /api/posts/1/publish", &[JSON], " {} "),
        ("GET /api/posts/1", &[JSON], "{}"),
        ("GET /api/posts/1", &[("accept", "text/html, */*;q=0.1")], ""),
        ("POST /api/posts/1/publish", &[("sec-fetch-site", "same-origin")], ""),
        ("POST /api/posts/1/publish", &[("origin", "https://a.org")], ""),
        ("POST /api/posts/1/publish", &[("origin", "http://localhost:5173")], ""),
    ] {
        let got = rig.send(line, headers, body).await;
        assert_eq!(got.status, StatusCode::OK, "{line} {headers:?} {got:?}");
    }
}
