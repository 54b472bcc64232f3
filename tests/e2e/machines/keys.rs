//! What keys do.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proto::{
    auth::v1::{CreateApiKeyRequest, ExchangeApiKeyRequest, GetUserRequest, ListUsersRequest},
    content::v1::CreatePostRequest,
};
use serde_json::{Value, json};
use tests::{Person, Rest, Stack, refused};
use tonic::Code;

use super::{KEYS, TOKENS, events, exchange, key, make, path, token};

fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[tokio::test]
async fn a_script_does_what_its_key_was_made_for_and_no_more() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let made = make(&ann, &["posts.write"]).await;
    assert_eq!(
        (&made["apiKey"]["name"], &made["apiKey"]["lastUsedAddress"]),
        (&json!("a script"), &json!(""))
    );

    let answer = exchange(&stack, &key(&made)).await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("set-cookie"), "", "a script has no use for cookies");
    let told = ["tokenType", "expiresIn", "scope"].map(|name| answer.body[name].clone());
    assert_eq!(told, [json!("Bearer"), json!(300), json!("posts.write")]);
    let token = answer.text_at("/accessToken");
    let says = claims(&token);
    assert_eq!((&says["sub"], &says["sid"]), (&json!(ann.id), &made["apiKey"]["id"]));
    assert_eq!((&says["amr"], &says["auth_time"]), (&json!(["api_key"]), &json!(0)));

    let rest = Rest::new(stack.gateway.listen);
    let post = json!({"title": "By a script"});
    let written = rest.call("POST", "/api/users/me/posts").bearer(&token).json(&post).send().await;
    let path = format!("/api/posts/{}", written.expect(201).text_at("/id"));
    let closed = rest.call("GET", "/api/users/me").bearer(&token).send().await;
    let closed = closed.refused(403, "SCOPE_REQUIRED");
    let challenge = r#"Bearer error="insufficient_scope", scope="users.read""#;
    assert_eq!(closed.header("www-authenticate"), challenge);
    let closed = rest.call("GET", "/api/sessions/current").bearer(&token).send().await;
    assert_eq!(closed.refused(403, "SCOPE_REQUIRED").header("www-authenticate"), "");
    // Reading is open to all, and this key makes its holder nobody in particular.
    rest.call("GET", &path).bearer(&token).send().await.refused(404, "NOT_FOUND");
    rest.call("GET", "/api/posts").bearer(&token).send().await.expect(200);
    // A key does not make keys.
    let wanted = json!({"name": "another", "scopes": ["posts.write"]});
    let call = rest.call("POST", KEYS).bearer(&token).json(&wanted);
    call.send().await.refused(403, "SCOPE_REQUIRED");
}

#[tokio::test]
async fn the_same_over_grpc() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let wanted = CreateApiKeyRequest {
        user_id: ann.id.clone(),
        name: "a program".to_owned(),
        scopes: vec!["posts.write".to_owned()],
        expires_in_days: Some(1),
    };
    let made = ann.grpc().api_keys().create_api_key(wanted).await.unwrap().into_inner();
    let stranger = Person::stranger(&stack);
    let request = ExchangeApiKeyRequest { api_key: made.key };
    let reply = stranger.grpc().api_keys().exchange_api_key(request).await.unwrap().into_inner();
    assert_eq!((reply.expires_in, &*reply.scope), (300, "posts.write"));

    let script = stranger.grpc().with_token(&reply.access_token);
    let me = || "me".to_owned();
    let draft =
        CreatePostRequest { user_id: me(), title: "A draft".to_owned(), ..Default::default() };
    script.posts().create_post(draft).await.unwrap();
    let answer = script.users().get_user(GetUserRequest { user_id: me() }).await;
    refused(answer, Code::PermissionDenied, "SCOPE_REQUIRED");
}

#[tokio::test]
async fn a_key_never_may_more_than_its_owner() {
    let stack = Stack::start().await;
    let admin = Person::admin(&stack, "root").await;
    let made = make(&admin, &["users.read"]).await;
    let token = token(&stack, &key(&made)).await;
    let script = admin.grpc().with_token(&token);
    script.users().list_users(ListUsersRequest::default()).await.unwrap();

    stack.databases.auth.execute("UPDATE users SET roles = '{}'", &[]).await;
    let token = super::token(&stack, &key(&made)).await;
    let script = admin.grpc().with_token(&token);
    let answer = script.users().list_users(ListUsersRequest::default()).await;
    refused(answer, Code::PermissionDenied, "ROLE_REQUIRED");
}

#[tokio::test]
async fn no_token_outlives_its_key() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let made = make(&ann, &["posts.read"]).await;
    let sql = "SELECT round(extract(epoch FROM expires_at - created_at) / 86400)::text FROM api_keys \
               WHERE user_id IS NOT NULL";
    let days: String = stack.databases.auth.rows(sql, &[]).await[0].get(0);
    assert_eq!(days, "90");
    let sql = "UPDATE api_keys SET expires_at = now() + interval '30 seconds'";
    stack.databases.auth.execute(sql, &[]).await;
    let answer = exchange(&stack, &key(&made)).await.expect(200);
    let seconds = answer.body["expiresIn"].as_i64().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    let says = claims(&answer.text_at("/accessToken"));
    assert_eq!(says["exp"].as_i64().unwrap() - says["iat"].as_i64().unwrap(), seconds);
}

#[tokio::test]
async fn the_last_use_is_noted_once_a_minute() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let made = make(&ann, &["posts.read"]).await;
    let shown = async || ann.rest().get(KEYS).await.expect(200).body["apiKeys"][0].clone();
    assert_eq!(shown().await["lastUsedAt"], Value::Null);
    let before = events(&stack, "api_key.used").await;

    token(&stack, &key(&made)).await;
    let first = shown().await;
    assert!(first["lastUsedAt"].is_string(), "{first}");
    assert!(["127.0.0.1", "::1"].contains(&first["lastUsedAddress"].as_str().unwrap()), "{first}");
    token(&stack, &key(&made)).await;
    assert_eq!(shown().await, first, "not for every use");
    assert_eq!(events(&stack, "api_key.used").await, before + 1);

    let sql = "UPDATE api_keys SET last_used_at = last_used_at - interval '2 minutes'";
    stack.databases.auth.execute(sql, &[]).await;
    token(&stack, &key(&made)).await;
    assert!(shown().await["lastUsedAt"].as_str() >= first["lastUsedAt"].as_str());
    assert_eq!(events(&stack, "api_key.used").await, before + 2);
}

#[tokio::test]
async fn nobody_has_more_than_fifty_keys() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let sql = "INSERT INTO api_keys (key_id, user_id, secret_hash, name, expires_at) \
               SELECT gen_random_uuid(), user_id, '', 'old', now() + interval '1 day' \
               FROM users CROSS JOIN generate_series(1, 49) WHERE username = 'ann'";
    assert_eq!(stack.databases.auth.execute(sql, &[]).await, 49);
    let wanted = json!({"name": "one more", "scopes": ["posts.read"]});
    let tries = (0..4).map(|_| ann.rest().post(KEYS, wanted.clone()));
    let answers = futures_util::future::join_all(tries).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "{answers:?}");
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.refused(409, "LIMIT_REACHED");
    }
    let sql = "UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE name = 'old'";
    stack.databases.auth.execute(sql, &[]).await;
    ann.rest().post(KEYS, wanted).await.expect(201);
    let left = ann.rest().get(KEYS).await.expect(200);
    assert_eq!(left.body["apiKeys"].as_array().unwrap().len(), 2, "what expired is forgotten");
}

#[tokio::test]
async fn a_key_is_made_once_however_often_it_is_asked_for() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let wanted = json!({"name": "a script", "scopes": ["posts.read"]});
    let ask = || {
        let call = ann.rest().call("POST", KEYS).header("idempotency-key", "the-same-key-4711");
        call.json(&wanted).send()
    };
    let (first, second) = (ask().await.expect(201), ask().await.expect(201));
    assert_eq!(first.text, second.text);
    assert_eq!(second.header("idempotent-replayed"), "true");
    let sealed = stack.databases.auth.rows("SELECT sealed FROM replies", &[]).await;
    let sealed: Vec<u8> = sealed[0].get(0);
    let key = first.text_at("/key");
    assert!(!sealed.windows(key.len()).any(|window| window == key.as_bytes()));
    let sql = "SELECT count(*) FROM replies WHERE expires_at > now() + interval '6 minutes'";
    let kept: i64 = stack.databases.auth.rows(sql, &[]).await[0].get(0);
    assert_eq!(kept, 0, "not for a day");
}

#[tokio::test]
async fn an_ended_key_is_exchanged_no_more_and_only_its_owner_and_admins_end_it() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let admin = Person::admin(&stack, "root").await;
    let (made, other) = (make(&ann, &["posts.read"]).await, make(&ann, &["posts.read"]).await);

    bob.rest().delete(&path(&made)).await.refused(404, "NOT_FOUND");
    bob.rest().get(&format!("/api/users/{}/api-keys", ann.id)).await.refused(403, "NOT_YOURS");
    token(&stack, &key(&made)).await;
    ann.rest().delete(&path(&made)).await.expect(204);
    exchange(&stack, &key(&made)).await.refused(401, "API_KEY_INVALID");
    ann.rest().delete(&path(&made)).await.refused(404, "NOT_FOUND");
    assert_eq!(events(&stack, "api_key.revoked").await, 1);

    let listed = admin.rest().get(&format!("/api/users/{}/api-keys", ann.id)).await.expect(200);
    assert_eq!(listed.body["apiKeys"][0], other["apiKey"]);
    admin.rest().delete(&path(&other)).await.expect(204);
    exchange(&stack, &key(&other)).await.refused(401, "API_KEY_INVALID");
    ann.rest().delete("/api/users/me").await.expect(204);
    Rest::new(stack.gateway.listen).post(TOKENS, json!({})).await.expect(422);
}
