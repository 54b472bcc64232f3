//! Who the services of the product are to each other.

use std::time::Duration;

use platform::identity::ApiKey;
use proto::auth::v1::GetUserRequest;
use serde_json::json;
use tests::{Person, Rest, Service, Stack, eventually, program, refused};
use tonic::Code;

use super::{events, token};

const SOON: Duration = Duration::from_secs(10);

async fn id_of(stack: &Stack, service: &str) -> String {
    let sql = "SELECT service_account_id::text FROM service_accounts WHERE name = $1";
    stack.databases.auth.rows(sql, &[&service]).await[0].get(0)
}

/// Who called a method, as the log has it; waits for the first call.
async fn callers(auth: &Service, method: &str) -> Vec<String> {
    eventually("the call is logged", SOON, async || {
        let lines = auth.log_lines();
        let calls = lines.iter().map(ToString::to_string).zip(&lines);
        let calls = calls.filter(|(text, _)| text.contains(method));
        let users: Vec<_> = calls.map(|(text, _)| user_in(&text)).collect();
        (!users.is_empty()).then_some(users)
    })
    .await
}

fn user_in(line: &str) -> String {
    let found = line.split(r#""user_id":""#).nth(1);
    found.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_services_call_auth_under_their_own_names() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for title in ["One", "Two", "Three"] {
        ann.publish(title).await;
    }
    let page = Person::stranger(&stack).rest().get("/api/posts").await.expect(200);
    assert_eq!(page.text_at("/posts/0/author/username"), "ann");
    let content = id_of(&stack, "content").await;
    for caller in callers(&stack.auth, "BatchGetProfiles").await {
        assert_eq!(caller, content);
    }
    let used = callers(&stack.auth, "ExchangeApiKey").await;
    assert!(used.len() <= 2, "once for each service, not for each call: {}", used.len());
    assert_eq!(events(&stack, "api_key.used").await, 2);
}

#[tokio::test]
async fn somebody_is_warned_before_a_service_becomes_a_stranger() {
    let stack = Stack::start().await;
    let key = stack.databases.auth.service_key("billing").await;
    let warnings = || stack.auth.log().matches("auth.service_key.ends_soon").count();
    token(&stack, &key).await;
    assert_eq!(warnings(), 0, "it is good for a year");
    let sql = "UPDATE api_keys SET expires_at = now() + interval '241 hours'";
    stack.databases.auth.execute(sql, &[]).await;
    token(&stack, &key).await;
    let log = stack.auth.log();
    assert!(log.contains("ends in 10 days: make another with"), "{log}");
}

#[tokio::test]
async fn a_service_with_a_wrong_key_is_a_stranger_and_asks_seldom() {
    let wrong = ApiKey::random().expose().to_owned();
    let stack = Stack::builder().set("content", "MAINSTAY_SERVICE_KEY", &wrong).start().await;
    let ann = Person::user(&stack, "ann").await;
    let rest = Rest::new(stack.gateway.listen);
    ann.publish("Shown all the same").await;
    for _ in 0..20 {
        let page = rest.get("/api/posts").await.expect(200);
        assert_eq!(page.text_at("/posts/0/author/username"), "ann");
    }
    let calls = callers(&stack.auth, "BatchGetProfiles").await;
    assert!(calls.len() >= 20 && calls.iter().all(String::is_empty), "{calls:?}");
    let tries = callers(&stack.auth, "ExchangeApiKey").await.len();
    assert!(tries < 12, "{tries} tries for {} calls", calls.len());
}

#[tokio::test]
async fn an_operator_makes_the_key_of_a_service() {
    let stack = Stack::start().await;
    let mut command = program::command(&["admin", "service-key", "search"]);
    command.env("DATABASE_URL", &stack.databases.auth.url);
    let ended = program::run(command).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let token = token(&stack, ended.stdout.trim()).await;
    // It is a service of the product, and not for all that an admin or a user.
    let service = Person::stranger(&stack).grpc().with_token(&token);
    let request = GetUserRequest { user_id: "me".to_owned() };
    refused(service.users().get_user(request).await, Code::PermissionDenied, "SCOPE_REQUIRED");

    let admin = Person::admin(&stack, "root").await;
    admin.rest().post("/api/service-accounts", json!({"name": "plain"})).await.expect(201);
    let mut command = program::command(&["admin", "service-key", "plain"]);
    command.env("DATABASE_URL", &stack.databases.auth.url);
    let ended = program::run(command).await;
    assert_eq!((ended.code, &*ended.stdout), (Some(69), ""), "an account that is none stays so");

    let mut command = program::command(&["content"]);
    command.env("MAINSTAY_SERVICE_KEY", "mst_secret_4711");
    let ended = program::run(command).await;
    assert_eq!(ended.code, Some(78));
    assert!(ended.stderr.contains("MAINSTAY_SERVICE_KEY: must be an API key"), "{ended:?}");
    assert!(!ended.stderr.contains("4711"), "{ended:?}");
}
