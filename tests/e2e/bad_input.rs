//! Input that is wrong in every way we could think of: always refused with a
//! reason, never a fault of ours, never half done.

use proto::{
    auth::v1::{BatchGetProfilesRequest, CreateSessionRequest},
    content::v1::{CreatePostRequest, GetPostRequest, UpdatePostRequest},
};
use serde_json::{Value, json};
use tests::{Person, Rest, Stack, refused};
use tonic::{Code, Status};

const POSTS: &str = "/api/users/me/posts";

/// Nothing that was sent was a fault of ours.
fn assert_no_fault(stack: &Stack) {
    for service in stack.services() {
        for line in service.log_lines() {
            assert_ne!(line["level"], "ERROR", "{line}");
            assert!(!line.to_string().contains("panicked"), "{line}");
        }
    }
}

fn draft(title: &str) -> CreatePostRequest {
    CreatePostRequest {
        user_id: "me".to_owned(),
        title: title.to_owned(),
        ..CreatePostRequest::default()
    }
}

#[tokio::test]
async fn malformed_bodies_are_told_where() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let deep = format!("{{\"title\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    for body in [
        &b"{"[..],
        b"{\"title\": \"Hello\"",
        b"{\"title\": \"Hello\",}",
        b"{\"title\": \"Hello\"} {}",
        b"{'title': 'Hello'}",
        b"{\"title\": NaN}",
        b"{\"title\": \"a\", \"title\": \"b\"}",
        b"{\"title\": \"\xff\"}",
        b"{\"title\": \"\\ud800\"}",
        b"\xef\xbb\xbf{\"title\": \"a\"}",
        b"title=Hello",
        b"   ",
        deep.as_bytes(),
    ] {
        let call = ann.rest().call("POST", POSTS).header("content-type", "application/json");
        let answer = call.body(body.to_vec()).send().await.refused(400, "MALFORMED_JSON");
        assert!(answer.text_at("/detail").len() > 20, "says what is wrong: {answer:?}");
    }
    assert_nothing_written(&ann).await;
    assert_no_fault(&stack);
}

#[tokio::test]
async fn wrong_types_are_told_which_field() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for (body, pointer) in [
        (json!([]), "#"),
        (json!("title"), "#"),
        (json!({"title": 1}), "#/title"),
        (json!({"title": {"a": 1}}), "#/title"),
        (json!({"title": ["Hello"]}), "#/title"),
        (json!({"title": "a", "tags": "b"}), "#/tags"),
        (json!({"title": "a", "tags": [1]}), "#/tags/0"),
        (json!({"title": "a", "tags": ["x", null]}), "#/tags/1"),
        (json!({"title": "a", "body": false}), "#/body"),
        (json!({"title": "a", "id": "1"}), "#/id"),
        (json!({"title": "a", "userId": "1"}), "#/userId"),
    ] {
        let answer = ann.rest().post(POSTS, body.clone()).await.refused(422, "INVALID_FIELDS");
        let errors = answer.body["errors"].as_array().unwrap();
        let pointers: Vec<_> = errors.iter().map(|error| &error["pointer"]).collect();
        assert!(pointers.contains(&&json!(pointer)), "{body}: {pointers:?}");
    }
    assert_nothing_written(&ann).await;
    assert_no_fault(&stack);
}

#[tokio::test]
async fn rules_of_fields_hold_on_both_roads() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let tags = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
    for (title, body, tags, field) in [
        (String::new(), 0, vec![], "title"),
        ("é".repeat(201), 0, vec![], "title"),
        ("a".to_owned(), 262_145, vec![], "body"),
        ("a".to_owned(), 0, tags(11), "tags"),
        ("a".to_owned(), 0, vec!["x".to_owned(), "x".to_owned()], "tags"),
        ("a".to_owned(), 0, vec![String::new()], "tags"),
        ("a".to_owned(), 0, vec!["x".repeat(41)], "tags"),
    ] {
        let body = "b".repeat(body);
        let post = json!({"title": title, "body": body, "tags": tags});
        let answer = ann.rest().post(POSTS, post).await.refused(422, "INVALID_FIELDS");
        let pointer = answer.text_at("/errors/0/pointer");
        assert!(pointer.starts_with(&format!("#/{field}")), "{pointer}");
        let request = CreatePostRequest { body, tags, ..draft(&title) };
        let status = ann.grpc().posts().create_post(request).await;
        let status = refused(status, Code::InvalidArgument, "INVALID_FIELDS");
        assert!(status.message().starts_with(field), "{status:?}");
    }
    assert_nothing_written(&ann).await;
    let longest = json!({"title": "é".repeat(200), "body": "b".repeat(262_144), "tags": tags(10)});
    ann.rest().post(POSTS, longest).await.expect(201);
    assert_no_fault(&stack);
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let large = json!({"title": "a", "body": "b".repeat(2 * 1024 * 1024)});
    ann.rest().post(POSTS, large.clone()).await.refused(413, "PAYLOAD_TOO_LARGE");
    let request = CreatePostRequest { body: "b".repeat(2 * 1024 * 1024), ..draft("a") };
    let status: Status = ann.grpc().posts().create_post(request).await.unwrap_err();
    let is_refused = matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted);
    assert!(is_refused, "{status:?}");
    // Below the gateway's limit and above that of auth.
    let credentials = json!({"email": "a", "password": "b".repeat(100_000)});
    let answer = Rest::new(stack.gateway.listen).post("/api/sessions", credentials).await;
    assert!(matches!(answer.status, 413 | 422), "{answer:?}");
    assert_nothing_written(&ann).await;
    assert_no_fault(&stack);
}

#[tokio::test]
async fn ids_that_are_not_ids_name_nothing() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let long = "x".repeat(2000);
    for id in ["1", "me", "null", "%F0%9F%8E%89", "0197c5aa", "'%20OR%201=1--", &long] {
        ann.rest().get(&format!("/api/posts/{id}")).await.refused(404, "NOT_FOUND");
        ann.rest().delete(&format!("/api/posts/{id}")).await.refused(404, "NOT_FOUND");
        ann.rest().get(&format!("/api/sessions/{id}")).await.refused(404, "NOT_FOUND");
        let request = GetPostRequest { post_id: id.to_owned() };
        let answer = ann.grpc().posts().get_post(request).await;
        refused(answer, Code::NotFound, "NOT_FOUND");
    }
    let answer = ann.grpc().posts().get_post(GetPostRequest::default()).await;
    refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
    assert_no_fault(&stack);
}

#[tokio::test]
async fn texts_that_databases_dislike_are_refused_or_kept() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for title in ["'; DROP TABLE posts; --", "%s %n \\", "<script>", "🎉\u{200d}", "\u{202e}rtl"]
    {
        let written = ann.rest().post(POSTS, json!({"title": title, "body": title})).await;
        assert_eq!(written.expect(201).body["title"], title);
    }
    // PostgreSQL cannot keep U+0000.
    for field in ["title", "body", "tags"] {
        let mut post = json!({"title": "a", "body": "b", "tags": ["c"]});
        post[field] = if field == "tags" { json!(["a\u{0}b"]) } else { json!("a\u{0}b") };
        ann.rest().post(POSTS, post).await.refused(422, "INVALID_FIELDS");
    }
    let request = UpdatePostRequest {
        post_id: ann.write("Fine").await,
        title: Some("a\u{0}b".to_owned()),
        ..UpdatePostRequest::default()
    };
    let answer = ann.grpc().posts().update_post(request).await;
    refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
    let request = CreateSessionRequest {
        email: "a\u{0}b".to_owned(),
        password: "p".to_owned(),
        ..CreateSessionRequest::default()
    };
    let status = ann.grpc().sessions().create_session(request).await.unwrap_err();
    assert!(matches!(status.code(), Code::InvalidArgument | Code::Unauthenticated), "{status:?}");
    assert_no_fault(&stack);
}

#[tokio::test]
async fn queries_are_checked_like_bodies() {
    let stack = Stack::start().await;
    let stranger = Person::stranger(&stack);
    for (query, code) in [
        ("pageSize=1&pageSize=2", "INVALID_PARAMETER"),
        ("pageSize=1&page_size=2", "INVALID_PARAMETER"),
        ("pageSize=1.5", "INVALID_PARAMETER"),
        ("pageSize=%ff", "INVALID_PARAMETER"),
        ("sort=asc", "UNKNOWN_PARAMETER"),
        ("pageToken=%00", "INVALID_PARAMETER"),
        ("pageToken=%20", "PAGE_TOKEN_INVALID"),
    ] {
        let answer = stranger.rest().get(&format!("/api/posts?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        assert_eq!(answer.body["code"], code, "{query}");
    }
    let many = format!("/api/profiles?{}", "userIds=1&".repeat(101));
    stranger.rest().get(&many).await.refused(400, "INVALID_PARAMETER");
    let request = BatchGetProfilesRequest { user_ids: vec!["1".to_owned(); 101] };
    let answer = stranger.grpc().users().batch_get_profiles(request).await;
    refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
    stranger.rest().get("/api/posts?&pageSize=3&").await.expect(200);
    assert_no_fault(&stack);
}

async fn assert_nothing_written(person: &Person) {
    let posts = person.rest().get(POSTS).await.expect(200);
    assert_eq!(posts.body["posts"], Value::Array(Vec::new()));
}
