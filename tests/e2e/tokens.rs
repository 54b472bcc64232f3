//! Tokens that nobody should believe, at the services and through the gateway.

use jiff::Timestamp;
use proto::{auth::v1::GetUserRequest, content::v1::CreatePostRequest};
use serde_json::{Value, json};
use tests::{Forge, Person, Rest, Stack, refused};
use tonic::Code;
use uuid::Uuid;

/// Every kind of token that must be refused, with the reason.
async fn bad_tokens(stack: &Stack, ann: &Person) -> Vec<(&'static str, String, &'static str)> {
    let forge = Forge::of(stack).await;
    let session = Uuid::now_v7().to_string();
    let with = |name: &str, value: Value| {
        let mut claims = Forge::claims(&ann.id, &session, &["admin"]);
        claims[name] = value;
        forge.sign(&claims)
    };
    let header = |change: fn(&mut jsonwebtoken::Header)| {
        let mut header = forge.header();
        change(&mut header);
        forge.sign_with(&header, &Forge::claims(&ann.id, &session, &["admin"]))
    };
    let later = Timestamp::now().as_second() + 3600;
    let none = format!("eyJhbGciOiJub25lIn0.{}.", ann.grpc().token().split('.').nth(1).unwrap());
    vec![
        ("expired", forge.expired(&ann.id), "TOKEN_EXPIRED"),
        ("tampered", Forge::tampered(ann.grpc().token()), "TOKEN_INVALID"),
        ("foreign", forge.foreign(&ann.id), "TOKEN_INVALID"),
        ("another issuer", with("iss", "https://evil.test".into()), "TOKEN_INVALID"),
        ("another audience", with("aud", "other".into()), "TOKEN_INVALID"),
        ("not yet valid", with("nbf", later.into()), "TOKEN_INVALID"),
        ("no user", with("sub", "root".into()), "TOKEN_INVALID"),
        ("too long", with("pad", "x".repeat(5000).into()), "TOKEN_INVALID"),
        ("another type", header(|it| it.typ = Some("JWT".to_owned())), "TOKEN_INVALID"),
        ("an unknown key", header(|it| it.kid = Some("k".to_owned())), "TOKEN_INVALID"),
        ("no key", header(|it| it.kid = None), "TOKEN_INVALID"),
        ("its own key", header(|it| it.jku = Some("https://evil.test".into())), "TOKEN_INVALID"),
        ("unsigned", none, "TOKEN_INVALID"),
        ("rubbish", "rubbish".to_owned(), "TOKEN_INVALID"),
    ]
}

#[tokio::test]
async fn bad_tokens_open_nothing() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let rest = Rest::new(stack.gateway.listen);
    for (what, token, reason) in bad_tokens(&stack, &ann).await {
        let answer = rest.call("GET", "/api/users/me").bearer(&token).send().await;
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{what}");
        answer.refused(401, reason);
        let grpc = ann.grpc().with_token(&token);
        let request = GetUserRequest { user_id: "me".to_owned() };
        refused(grpc.users().get_user(request).await, Code::Unauthenticated, reason);
        let post = CreatePostRequest {
            user_id: "me".to_owned(),
            title: what.to_owned(),
            ..CreatePostRequest::default()
        };
        refused(grpc.posts().create_post(post).await, Code::Unauthenticated, reason);
    }
    let posts = ann.rest().get("/api/users/me/posts").await.expect(200);
    assert_eq!(posts.body["posts"], json!([]));
}

#[tokio::test]
async fn public_pages_do_not_forgive_a_bad_token() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let tampered = Forge::tampered(ann.grpc().token());
    let rest = Rest::new(stack.gateway.listen);
    let answer = rest.call("GET", "/api/posts").bearer(&tampered).send().await;
    answer.refused(401, "TOKEN_INVALID");
    for header in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer  ", "token"] {
        let call = rest.call("GET", "/api/posts").header("authorization", header);
        call.send().await.refused(401, "TOKEN_INVALID");
    }
}

#[tokio::test]
async fn a_token_in_a_header_counts_and_cookies_beside_it_do_not() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let header = format!("bearer {}", bob.grpc().token());
    let call = ann.rest().call("GET", "/api/users/me").header("authorization", &header);
    assert_eq!(call.send().await.expect(200).text_at("/id"), bob.id);
}

#[tokio::test]
async fn a_cookie_that_is_there_twice_is_not_used() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let token = ann.rest().cookie("__Host-access").unwrap();
    let rest = Rest::new(stack.gateway.listen);
    let once = format!("other=1; __Host-access={token}");
    let call = |cookies: &str| rest.call("GET", "/api/users/me").header("cookie", cookies);
    call(&once).send().await.expect(200);
    let twice = format!("{once}; __Host-access={token}");
    call(&twice).send().await.refused(401, "SIGN_IN_REQUIRED");
}

#[tokio::test]
async fn ranks_come_from_the_account_and_not_from_the_request() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let call = ann.rest().call("GET", "/api/users").header("x-roles", "admin");
    call.header("x-user-id", "admin").send().await.refused(403, "ROLE_REQUIRED");
}
