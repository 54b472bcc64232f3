//! What is refused, and that the refusal tells nothing.

use platform::identity::ApiKey;
use proto::auth::v1::{ExchangeApiKeyRequest, GetUserRequest};
use serde_json::json;
use tests::{Person, Rest, Stack, refused};
use tonic::Code;

use super::{KEYS, exchange, key, make, path, token};

#[tokio::test]
async fn nothing_tells_one_bad_key_from_another() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let [ended, expired, forged] = [
        make(&ann, &["posts.read"]).await,
        make(&ann, &["posts.read"]).await,
        make(&ann, &["posts.read"]).await,
    ];
    let suspended = make(&bob, &["posts.read"]).await;
    for made in [&ended, &expired, &forged, &suspended] {
        token(&stack, &key(made)).await;
    }
    let accounts = &stack.databases.auth;
    ann.rest().delete(&path(&ended)).await.expect(204);
    let sql = "UPDATE api_keys SET expires_at = now() WHERE key_id::text = $1";
    let id = expired["apiKey"]["id"].as_str().unwrap();
    assert_eq!(accounts.execute(sql, &[&id]).await, 1);
    let sql = "UPDATE users SET suspended_at = now() WHERE username = 'bob'";
    assert_eq!(accounts.execute(sql, &[]).await, 1);
    // The right id, and a secret that is not its own.
    let sql = "UPDATE api_keys SET secret_hash = $2 WHERE key_id::text = $1";
    let (id, hash) = (forged["apiKey"]["id"].as_str().unwrap(), ApiKey::random().hash());
    assert_eq!(accounts.execute(sql, &[&id, &hash]).await, 1);

    let mut told = Vec::new();
    let unknown = ApiKey::random().expose().to_owned();
    let mistyped = unknown.replace("mst_0", "mst_1");
    let bad = [&ended, &expired, &forged, &suspended].map(key);
    for key in bad.into_iter().chain([unknown, mistyped, "x".to_owned()]) {
        let answer = exchange(&stack, &key).await.refused(401, "API_KEY_INVALID");
        assert!(key == "x" || !answer.text.contains(&key), "{answer:?}");
        let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        let request = ExchangeApiKeyRequest { api_key: key };
        let status = Person::stranger(&stack).grpc().api_keys().exchange_api_key(request).await;
        let status = refused(status, Code::Unauthenticated, "API_KEY_INVALID");
        let status = (status.message().to_owned(), status.details().to_vec());
        told.push((answer.body_of_any_request(), names, status));
    }
    assert!(told.iter().all(|it| *it == told[0]), "{told:#?}");
}

#[tokio::test]
async fn a_key_is_no_token_and_whoever_sends_it_is_told() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let key = key(&make(&ann, &["users.read"]).await);
    let rest = Rest::new(stack.gateway.listen);
    let answer = rest.call("GET", "/api/users/me").bearer(&key).send().await;
    let answer = answer.refused(401, "TOKEN_INVALID");
    assert!(answer.text_at("/detail").contains("exchange it first: POST /api/tokens"));
    assert!(!answer.text.contains(&key));
    let request = GetUserRequest { user_id: "me".to_owned() };
    let answer = ann.grpc().with_token(&key).users().get_user(request).await;
    let status = refused(answer, Code::Unauthenticated, "TOKEN_INVALID");
    assert!(status.message().contains("/api/tokens"), "{status:?}");
    // Where everybody may look, too.
    rest.call("GET", "/api/posts").bearer(&key).send().await.refused(401, "TOKEN_INVALID");
}

#[tokio::test]
async fn what_no_key_can_be_made_for() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let admin = Person::admin(&stack, "root").await;
    for wanted in [
        json!({"name": "x"}),
        json!({"name": "x", "scopes": ["posts"]}),
        json!({"name": "x", "scopes": ["posts.read posts.write"]}),
        json!({"name": "x", "scopes": ["posts.read", "posts.read"]}),
        json!({"name": "", "scopes": ["posts.read"]}),
        json!({"name": "x", "scopes": ["posts.read"], "expiresInDays": 0}),
        json!({"name": "x", "scopes": ["posts.read"], "expiresInDays": 366}),
    ] {
        ann.rest().post(KEYS, wanted).await.refused(422, "INVALID_FIELDS");
    }
    let wanted = json!({"name": "x", "scopes": ["posts.read"], "expiresInDays": 365});
    ann.rest().post(KEYS, wanted.clone()).await.expect(201);
    // Not even an admin makes keys that act as somebody else.
    for other in [&bob, &admin] {
        let path = format!("/api/users/{}/api-keys", ann.id);
        other.rest().post(&path, wanted.clone()).await.refused(403, "NOT_YOURS");
    }
    Person::stranger(&stack).rest().post(KEYS, wanted).await.refused(401, "SIGN_IN_REQUIRED");
}

#[tokio::test]
async fn the_document_says_which_scope_opens_what() {
    let stack = Stack::start().await;
    let document = Rest::new(stack.gateway.listen).get("/openapi.json").await.expect(200).body;
    let told = |path: &str, verb: &str| document["paths"][path][verb].clone();
    let write = told("/api/users/{user_id}/posts", "post");
    assert_eq!(write["x-mainstay-policy"]["scope"], "posts.write");
    assert!(write["x-mainstay-errors"].as_array().unwrap().contains(&json!("SCOPE_REQUIRED")));
    let closed = told("/api/users/{user_id}/api-keys", "post");
    assert_eq!(closed["x-mainstay-policy"].get("scope"), None);
    let exchange = told("/api/tokens", "post");
    assert!(exchange["x-mainstay-errors"].as_array().unwrap().contains(&json!("API_KEY_INVALID")));
    assert!(!write["x-mainstay-errors"].as_array().unwrap().contains(&json!("API_KEY_INVALID")));
}
