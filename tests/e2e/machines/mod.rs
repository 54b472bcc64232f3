//! Machines: API keys, service accounts, and the services of the product.

mod accounts;
mod identity;
mod keys;
mod refusals;
mod secrecy;

use serde_json::{Value, json};
use tests::{Answer, Person, Rest, Stack};

const KEYS: &str = "/api/users/me/api-keys";
const TOKENS: &str = "/api/tokens";

/// Makes a key; the answer has `apiKey` and `key`.
async fn make(person: &Person, scopes: &[&str]) -> Value {
    let wanted = json!({"name": "a script", "scopes": scopes});
    person.rest().post(KEYS, wanted).await.expect(201).body
}

/// The key itself.
fn key(made: &Value) -> String {
    made["key"].as_str().unwrap().to_owned()
}

/// Where a key is ended.
fn path(made: &Value) -> String {
    format!("/api/api-keys/{}", made["apiKey"]["id"].as_str().unwrap())
}

/// Tries to exchange a key, as a script does: without cookies.
async fn exchange(stack: &Stack, key: &str) -> Answer {
    Rest::new(stack.gateway.listen).post(TOKENS, json!({"apiKey": key})).await
}

/// Exchanges a key that is good.
async fn token(stack: &Stack, key: &str) -> String {
    exchange(stack, key).await.expect(200).text_at("/accessToken")
}

/// How many events of a kind were written down.
async fn events(stack: &Stack, kind: &str) -> i64 {
    let sql = "SELECT count(*) FROM audit_events WHERE kind = $1";
    stack.databases.auth.rows(sql, &[&kind]).await[0].get(0)
}
