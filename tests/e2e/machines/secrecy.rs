//! A key is seen once, by whoever asked for it.

use serde_json::json;
use tests::{Person, Rest, Stack, metrics};

use super::{KEYS, TOKENS, exchange, key, make, path, token};

#[tokio::test]
async fn a_key_is_shown_once_and_never_again_anywhere() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let made = make(&ann, &["posts.read"]).await;
    let key = key(&made);
    let secret = key.rsplit('_').next().unwrap().to_owned();
    let token = token(&stack, &key).await;

    let rest = Rest::new(stack.gateway.listen);
    rest.call("GET", "/api/users/me").bearer(&key).send().await.expect(401);
    rest.call("GET", &format!("/api/users/me?apiKey={key}")).send().await.expect(400);
    for wrong in [json!({"apikey": key}), json!({"apiKey": [key]}), json!(key)] {
        let answer = rest.post(TOKENS, wrong).await;
        assert!((400..500).contains(&answer.status) && !answer.text.contains(&key), "{answer:?}");
    }
    exchange(&stack, &key.replace("mst_", "mst_x")).await.expect(401);
    let listed = ann.rest().get(KEYS).await.expect(200);
    ann.rest().delete(&path(&made)).await.expect(204);
    exchange(&stack, &key).await.expect(401);

    let mut seen = listed.text + &stack.logs();
    for service in stack.services() {
        seen += &metrics(service).await.0;
    }
    let tables = ["api_keys", "audit_events", "replies"];
    for table in tables {
        let sql = format!("SELECT t::text FROM {table} t");
        let rows = stack.databases.auth.rows(&sql, &[]).await;
        seen.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    assert!(seen.len() > 10_000, "there was something to look at");
    for hidden in [&secret, &token] {
        assert!(!seen.contains(hidden.as_str()), "{hidden}");
    }
}
