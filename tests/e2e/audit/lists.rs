//! What is written down, and who may read it.

use serde_json::{Value, json};
use tests::{PASSWORD, Person, Rest, Stack, eventually};

use super::{SOON, chained};

async fn events(rest: &Rest, query: &str) -> Vec<Value> {
    let answer = rest.get(&format!("/api/audit-events?{query}")).await.expect(200);
    answer.body["events"].as_array().unwrap().clone()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn everything_that_happens_to_an_account_is_written_down() {
    let stack = Stack::start().await;
    let admin = Person::admin(&stack, "root").await;
    let ann = Person::user(&stack, "ann").await;
    let thief = ann.rest().copy();
    let refresh = "/api/sessions/current/refresh";
    ann.rest().post(refresh, json!({})).await.expect(200);
    let used = "UPDATE refresh_tokens SET used_at = used_at - interval '1 minute' \
                WHERE used_at IS NOT NULL";
    stack.databases.auth.execute(used, &[]).await;
    thief.post(refresh, json!({})).await.refused(401, "SESSION_ENDED");
    let ann_again = ann.on_another_device(&stack).await;
    ann_again.patch("/api/users/me", json!({"displayName": "A."})).await.expect(200);
    ann_again.delete("/api/sessions/current").await.expect(204);
    chained(&stack.databases.auth).await;
    let query = format!("subject={}&kind=account.changed", ann.id);
    let changed = events(admin.rest(), &query).await.remove(0);
    assert!(["127.0.0.1", "::1"].contains(&changed["address"].as_str().unwrap()), "{changed}");
    let last = ann.on_another_device(&stack).await;
    last.delete("/api/users/me").await.expect(204);
    chained(&stack.databases.auth).await;

    let mut found = events(admin.rest(), &format!("subject={}", ann.id)).await;
    found.retain(|event| event["kind"] != "device.unknown");
    assert_eq!(
        kinds(&found),
        [
            "account.deleted",
            "session.created",
            "session.ended",
            "account.changed",
            "session.created",
            "session.refresh_token_reused",
            "session.created",
            "session.created",
            "account.created",
        ]
    );
    let changed = &found[3];
    assert_eq!(changed["details"], json!([{"name": "fields", "value": "display_name"}]));
    assert_eq!(changed["address"], "", "what is private went with the account");
    assert!(found.iter().all(|event| !event["requestId"].as_str().unwrap().is_empty()));
    for secret in [&*ann.email, PASSWORD, "A."] {
        let text = json!(found).to_string();
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn failed_sign_ins_are_counted_and_written_down_in_sums() {
    let stack = Stack::start().await;
    let (admin, ann) = (Person::admin(&stack, "root").await, Person::user(&stack, "ann").await);
    let stranger = Person::stranger(&stack);
    for email in [&*ann.email, &*ann.email, "nobody@example.com", &*ann.email] {
        let credentials = json!({"email": email, "password": "not hers at all"});
        stranger
            .rest()
            .post("/api/sessions", credentials)
            .await
            .refused(401, "INVALID_CREDENTIALS");
    }
    let limit = SOON * 2;
    let found = eventually("all four are there", limit, async || {
        let found = events(admin.rest(), "kind=session.refused").await;
        let count =
            |event: &Value| event["details"][0]["value"].as_str().unwrap().parse::<u32>().unwrap();
        (found.iter().map(count).sum::<u32>() == 4).then_some(found)
    })
    .await;
    assert!(found.len() < 4, "sums, not each of them: {found:?}");
    assert!(found.iter().any(|event| event["subjectId"] == ann.id), "{found:?}");
    assert!(found.iter().any(|event| event["subjectId"] == ""), "{found:?}");
}

#[tokio::test]
async fn events_are_for_admins_and_ones_own_for_everybody() {
    let stack = Stack::start().await;
    let (admin, ann) = (Person::admin(&stack, "root").await, Person::user(&stack, "ann").await);
    chained(&stack.databases.auth).await;
    ann.rest().get("/api/audit-events").await.refused(403, "ROLE_REQUIRED");
    ann.rest().get("/api/audit-checkpoints").await.refused(403, "ROLE_REQUIRED");
    let path = format!("/api/users/{}/audit-events", ann.id);
    admin.rest().get(&path).await.refused(403, "NOT_YOURS");
    let own = ann.rest().get(&path).await.expect(200);
    let own = own.body["events"].as_array().unwrap();
    assert_eq!(kinds(own), ["session.created", "session.created", "account.created"]);

    let all = events(admin.rest(), "").await;
    // A signing key was made, and for each of two services an account and a key.
    assert_eq!(all.len(), 6 + 5);
    for (query, count) in [
        (format!("actor={}", ann.id), 3),
        (format!("subject={}&kind=session.", ann.id), 2),
        ("actor=me&kind=account.created".to_owned(), 1),
        ("since=2999-01-01T00:00:00Z".to_owned(), 0),
        ("until=2020-01-01T00:00:00Z".to_owned(), 0),
        ("since=2020-01-01T00:00:00Z&until=2999-01-01T00:00:00Z".to_owned(), 11),
    ] {
        assert_eq!(events(admin.rest(), &query).await.len(), count, "{query}");
    }
    let mut path = "/api/audit-events?pageSize=4".to_owned();
    let mut paged = Vec::new();
    loop {
        let page = admin.rest().get(&path).await.expect(200);
        paged.extend(page.body["events"].as_array().unwrap().clone());
        let Some(token) = page.body["nextPageToken"].as_str() else { break };
        path = format!("/api/audit-events?pageSize=4&pageToken={token}");
    }
    assert_eq!(paged, all);
    let since = "/api/audit-events?since=0000-01-01T00:00:00Z";
    assert!(admin.rest().get(since).await.status < 500);
}

#[tokio::test]
async fn what_was_rolled_back_did_not_happen_and_what_comes_late_is_kept() {
    let stack = super::stack().await;
    let database = &stack.databases.auth;
    let insert = "INSERT INTO audit_inbox (kind) VALUES ('test.late')";
    let (mut late, mut never) = (database.connect().await, database.connect().await);
    let late = late.transaction().await.unwrap();
    late.execute(insert, &[]).await.unwrap();
    let never = never.transaction().await.unwrap();
    never.execute(insert, &[]).await.unwrap();
    super::write_down(database, 3).await;
    super::covered(database).await;
    never.rollback().await.unwrap();
    late.commit().await.unwrap();
    super::covered(database).await;
    let findings = super::verified(database, &super::trusted(&stack)).await.unwrap();
    assert_eq!((findings.events, findings.last, findings.uncovered), (4, 4, 0));
    // The late one was written down first, and has the last place.
    let sql = "SELECT kind, sequence FROM audit_log WHERE position = 4";
    let row = &database.rows(sql, &[]).await[0];
    assert_eq!((row.get::<_, &str>(0), row.get::<_, i64>(1)), ("test.late", 1));
}
