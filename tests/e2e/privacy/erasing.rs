//! Whoever wants to be forgotten is, in every service, and gets a receipt.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Person, Stack, eventually};

const LIMIT: Duration = Duration::from_mins(1);

async fn posts(stack: &Stack) -> usize {
    stack.databases.content.rows("SELECT FROM posts", &[]).await.len()
}

async fn done(stranger: &Person, receipt: &str) -> Answer {
    let path = format!("/api/erasures/{receipt}");
    eventually("everything is erased", LIMIT, async || {
        let answer = stranger.rest().get(&path).await.expect(200);
        (answer.body["receipt"] != "").then_some(answer)
    })
    .await
}

/// Lets the pauses of erasures be over.
async fn retry(stack: &Stack) {
    let auth = &stack.databases.auth;
    auth.execute("UPDATE erasures SET due_at = now() WHERE done_at IS NULL", &[]).await;
    auth.execute("NOTIFY erasures", &[]).await;
}

/// The claims of a receipt; that its key is one of ours is checked by its signature.
fn claims(receipt: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let parts: Vec<_> = receipt.split('.').collect();
    assert_eq!(parts.len(), 3, "a signed receipt");
    let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    assert_eq!(head["typ"], "erasure-receipt+jwt");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap()
}

/// Years later a receipt is signed with a key of that day.
async fn is_signed_anew(stack: &Stack, stranger: &Person, (number, receipt): (&str, &str)) {
    let master = stack.secret_key.parse().unwrap();
    let pool = database::Pool::new(&stack.databases.auth.url, 1).unwrap();
    auth::operator::keys::revoke(&pool, &master, &crate::key_turns::kid(receipt)).await.unwrap();
    let anew = eventually("the receipt has another signature", LIMIT, async || {
        let anew = done(stranger, number).await.text_at("/receipt");
        (crate::key_turns::kid(&anew) != crate::key_turns::kid(receipt)).then_some(anew)
    });
    let anew = anew.await;
    assert_eq!(claims(&anew), claims(receipt));
    let published = stranger.rest().get("/.well-known/jwks.json").await.expect(200).text;
    assert!(published.contains(&crate::key_turns::kid(&anew)), "{published}");
}

#[tokio::test]
async fn who_is_erased_is_gone_everywhere_and_nobody_else_is() {
    let stack = Stack::whole().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let stranger = Person::stranger(&stack);
    ann.publish("Hers").await;
    ann.write("Draft").await;
    bob.publish("His").await;
    stack.queue(&ann.email, "password_changed", json!({})).await;

    let path = format!("/api/users/{}/erase", ann.id);
    bob.rest().call("POST", &path).send().await.refused(403, "NOT_YOURS");
    let erased = ann.rest().call("POST", "/api/users/me/erase").send().await.expect(200);
    let number = erased.text_at("/erasure/receiptNumber");
    assert_eq!(ann.rest().cookie("__Host-session"), None, "the browser forgets");
    let again = stranger
        .rest()
        .post("/api/sessions", json!({"email": ann.email, "password": tests::PASSWORD}));
    again.await.refused(401, "INVALID_CREDENTIALS");

    let erasure = done(&stranger, &number).await;
    assert_eq!(posts(&stack).await, 1, "his is left");
    let receipt = erasure.text_at("/receipt");
    let said = claims(&receipt);
    assert_eq!((&said["accounts"], &said["posts"]), (&json!(1), &json!(2)), "{said}");
    for secret in [&ann.id, &ann.email, &ann.username] {
        assert!(!said.to_string().contains(secret.as_str()), "{said}");
    }
    stranger.rest().call("GET", "/api/users/me").bearer(&receipt).send().await.expect(401);
    let letters = stack.kept_letters(&ann.email).await;
    assert_eq!(letters.len(), 1, "only the last one: {letters:?}");
    assert_eq!(letters[0].kind, "account_erased");
    assert!(letters[0].written.text.contains(&number));

    // Nothing in auth's database tells who it was, but ids in the audit.
    for table in ["users", "sessions", "erasures", "audit_events", "replies"] {
        let sql = format!("SELECT t::text FROM {table} t");
        for row in stack.databases.auth.rows(&sql, &[]).await {
            let text: String = row.get(0);
            assert!(!text.contains(&ann.email) && !text.contains("ann,"), "{table}: {text}");
            assert!(table == "audit_events" || !text.contains(&ann.id), "{table}: {text}");
        }
    }
    let sql = "SELECT FROM audit_events WHERE private <> '' \
               AND (actor_id::text = $1 OR subject_id::text = $1)";
    let private = stack.databases.auth.rows(sql, &[&ann.id]).await;
    assert!(private.is_empty(), "addresses, devices and reasons are gone");
    is_signed_anew(&stack, &stranger, (&number, &receipt)).await;
    stranger.rest().get("/api/erasures/x").await.refused(404, "ERASURE_UNKNOWN");
}

#[tokio::test]
async fn deleting_an_account_erases_it() {
    let stack = Stack::whole().await;
    let (ann, admin) = (Person::user(&stack, "ann").await, Person::admin(&stack, "root").await);
    ann.publish("Hers").await;
    let copy = "CREATE TABLE late AS SELECT * FROM posts";
    stack.databases.content.execute(copy, &[]).await;
    let path = format!("/api/users/{}", ann.id);
    admin.rest().call("DELETE", &path).send().await.expect(204);
    admin.rest().call("DELETE", &path).send().await.refused(404, "NOT_FOUND");
    let none_left = async || (posts(&stack).await == 0).then_some(());
    eventually("what she wrote is gone", LIMIT, none_left).await;
    // What a call that was under way wrote afterwards goes, too.
    let content = &stack.databases.content;
    assert_eq!(content.execute("INSERT INTO posts SELECT * FROM late", &[]).await, 1);
    eventually("what came late is gone", LIMIT, none_left).await;
    let done = "SELECT FROM erasures WHERE done_at IS NOT NULL";
    let is_done = async || stack.databases.auth.rows(done, &[]).await.pop();
    eventually("nothing is left", LIMIT, is_done).await;
    assert_eq!(posts(&stack).await, 0);
}

#[tokio::test]
async fn an_erasure_is_finished_whatever_dies_meanwhile() {
    let mut stack = Stack::whole().await;
    let stranger = Person::stranger(&stack);
    let ann = Person::user(&stack, "ann").await;
    ann.publish("Hers").await;

    // Content is not there, and auth dies before it comes back.
    stack.content.kill();
    let erased = ann.rest().call("POST", "/api/users/me/erase").send().await.expect(200);
    let number = erased.text_at("/erasure/receiptNumber");
    let tried = async || {
        let sql = "SELECT FROM erasures WHERE attempts > 0 AND done_at IS NULL";
        (stack.databases.auth.rows(sql, &[]).await.len() == 1).then_some(())
    };
    eventually("it was tried", LIMIT, tried).await;
    stack.auth.kill();
    stack.content.start_again().await;
    assert_eq!(posts(&stack).await, 1);
    stack.auth.start_again().await;
    retry(&stack).await;
    let said = claims(&done(&stranger, &number).await.text_at("/receipt"));
    assert_eq!((posts(&stack).await, &said["posts"]), (0, &json!(1)));

    // Auth died when content had erased its part and that was written down.
    let sql = "INSERT INTO erasures (erasure_id, user_id, sessions, posts, content_at)
        VALUES (gen_random_uuid(), gen_random_uuid(), 2, 7, now()) RETURNING erasure_id::text";
    let number: String = stack.databases.auth.rows(sql, &[]).await[0].get(0);
    retry(&stack).await;
    let said = claims(&done(&stranger, &number).await.text_at("/receipt"));
    assert_eq!((&said["sessions"], &said["posts"]), (&json!(2), &json!(7)));
}
