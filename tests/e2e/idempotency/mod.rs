//! A request with an idempotency key is done once, however often it is sent.

mod every_post;
mod factors;

use std::time::Duration;

use futures_util::future::join_all;
use platform::server::spawn;
use prost::Message as _;
use proto::content::v1::CreatePostRequest;
use serde_json::{Value as Json, json};
use tests::{Answer, PASSWORD, Person, Rest, Stack, eventually, refused};
use tonic::{Code, Request};

const POSTS: &str = "/api/users/me/posts";
const LIMIT: Duration = Duration::from_mins(1);

async fn post(rest: &Rest, path: &str, key: &str, body: &Json) -> Answer {
    let call = rest.call("POST", path).header("idempotency-key", key);
    if body.is_null() { call.send().await } else { call.json(body).send().await }
}

#[tokio::test]
async fn whoever_comes_while_it_is_being_done_comes_again() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (body, content) = (json!({"title": "Slow"}), &stack.databases.content);
    let [first] = content
        .while_locked("posts", async || {
            let first = spawn({
                let (rest, body) = (ann.rest().clone(), body.clone());
                async move { post(&rest, POSTS, "slow", &body).await }
            });
            eventually("the first is being done", LIMIT, async || {
                let sql = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                           AND query LIKE '%content.posts.insert%'";
                (!content.rows(sql, &[]).await.is_empty()).then_some(())
            })
            .await;
            let answer = post(ann.rest(), POSTS, "slow", &body).await;
            let answer = answer.refused(409, "IDEMPOTENCY_KEY_IN_FLIGHT");
            assert_eq!(answer.header("retry-after"), "1");
            [first]
        })
        .await;
    let first = first.await.unwrap().expect(201);
    let again = post(ann.rest(), POSTS, "slow", &body).await.expect(201);
    assert_eq!(again.text, first.text);
}

#[tokio::test]
async fn what_is_done_and_what_is_remembered_are_one() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (body, content) = (json!({"title": "Both"}), &stack.databases.content);
    content.execute("ALTER TABLE replies ADD CONSTRAINT none CHECK (false)", &[]).await;
    post(ann.rest(), POSTS, "both", &body).await.refused(500, "INTERNAL");
    assert_eq!(content.rows("SELECT FROM posts", &[]).await.len(), 0, "neither");
    content.execute("ALTER TABLE replies DROP CONSTRAINT none", &[]).await;
    post(ann.rest(), POSTS, "both", &body).await.expect(201);
    assert_eq!(content.rows("SELECT FROM posts", &[]).await.len(), 1, "both");
}

#[tokio::test]
async fn a_hundred_creates_with_one_key_make_one_post() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let body = json!({"title": "Once"});
    let create = async |_| {
        eventually("the post is written", LIMIT, async || {
            let answer = post(ann.rest(), POSTS, "one-key", &body).await;
            if answer.status == 201 {
                return Some(answer.text_at("/id"));
            }
            let answer = answer.refused(409, "IDEMPOTENCY_KEY_IN_FLIGHT");
            assert_eq!(answer.header("retry-after"), "1");
            None
        })
        .await
    };
    let ids = join_all((0..100).map(create)).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let rows = stack.databases.content.rows("SELECT FROM posts", &[]).await;
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn a_key_is_for_one_request_of_one_person() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let body = json!({"title": "Mine"});
    let first = post(ann.rest(), POSTS, "key", &body).await.expect(201);
    let other = json!({"title": "Mine", "body": ""});
    let same = post(ann.rest(), POSTS, "\"key\"", &other).await.expect(201);
    assert_eq!(same.text, first.text, "the same request, written differently");
    for changed in [json!({"title": "Other"}), json!({"title": "Mine", "tags": ["a"]})] {
        let answer = post(ann.rest(), POSTS, "key", &changed).await;
        answer.refused(422, "IDEMPOTENCY_KEY_REUSED");
    }
    let theirs = post(bob.rest(), POSTS, "key", &body).await.expect(201);
    assert_ne!(theirs.text_at("/id"), first.text_at("/id"));
    assert_eq!(theirs.header("idempotent-replayed"), "");
    // Another method is another thing, too.
    let publish = format!("/api/posts/{}/publish", first.text_at("/id"));
    let published = post(ann.rest(), &publish, "key", &Json::Null).await.expect(200);
    assert_eq!(published.body["status"], "published");
    let again = post(ann.rest(), POSTS, "key", &body).await.expect(201);
    assert_eq!(again.body["status"], "draft", "as it was told the first time");

    // Strangers are many: their requests tell them apart.
    let stranger = Person::stranger(&stack);
    for name in ["carl", "dora"] {
        let account =
            json!({"email": format!("{name}@example.com"), "username": name, "password": PASSWORD});
        let answer = post(&stranger.rest().copy(), "/api/users", "1", &account).await.expect(201);
        assert_eq!(answer.body["username"], name);
    }
}

#[tokio::test]
async fn keys_that_are_none_are_refused_on_both_roads() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let body = json!({"title": "None"});
    let long = "k".repeat(256);
    for key in ["", "\"\"", "a b", &long] {
        let answer = post(ann.rest(), POSTS, key, &body).await;
        answer.refused(400, "IDEMPOTENCY_KEY_INVALID");
        let mut request = Request::new(CreatePostRequest {
            user_id: "me".to_owned(),
            title: "None".to_owned(),
            ..CreatePostRequest::default()
        });
        request.metadata_mut().insert("idempotency-key", key.parse().unwrap());
        let answer = ann.grpc().posts().create_post(request).await;
        refused(answer, Code::InvalidArgument, "IDEMPOTENCY_KEY_INVALID");
    }
    let twice = ann.rest().call("POST", POSTS).json(&body);
    let twice = twice.header("idempotency-key", "a").header("idempotency-key", "b");
    twice.send().await.refused(400, "IDEMPOTENCY_KEY_INVALID");
    // Looking does no harm, with or without one.
    let look = ann.rest().call("GET", POSTS).header("idempotency-key", "");
    assert_eq!(look.send().await.expect(200).body["posts"], json!([]));
}

#[tokio::test]
async fn a_replay_is_the_first_reply_byte_for_byte() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let create = async || {
        let mut request = Request::new(CreatePostRequest {
            user_id: "me".to_owned(),
            title: "Bytes".to_owned(),
            ..CreatePostRequest::default()
        });
        request.metadata_mut().insert("idempotency-key", "bytes".parse().unwrap());
        ann.grpc().posts().create_post(request).await.unwrap()
    };
    let first = create().await;
    assert!(!first.metadata().contains_key("idempotent-replayed"));
    let first = first.into_inner();
    let post = first.post.as_ref().unwrap();
    assert_eq!(post.author.as_ref().unwrap().display_name, "ann");
    // Whatever became of the author and the post meanwhile.
    ann.rest().patch("/api/users/me", json!({"displayName": "Ann A."})).await.expect(200);
    ann.rest().delete(&format!("/api/posts/{}", post.id)).await.expect(204);
    let again = create().await;
    assert_eq!(again.metadata().get("idempotent-replayed").unwrap(), "true");
    assert_eq!(again.into_inner().encode_to_vec(), first.encode_to_vec());
}

#[tokio::test]
async fn what_failed_may_be_tried_again() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let rest = Person::stranger(&stack).rest().clone();
    let account = json!({"email": ann.email, "username": "anna", "password": PASSWORD});
    for _ in 0..2 {
        post(&rest, "/api/users", "again", &account).await.refused(409, "EMAIL_TAKEN");
    }
    ann.rest().delete("/api/users/me").await.expect(204);
    post(&rest, "/api/users", "again", &account).await.expect(201);
    let sql = "SELECT FROM replies";
    assert_eq!(stack.databases.auth.rows(sql, &[]).await.len(), 1);
}

#[tokio::test]
async fn nothing_that_signs_in_is_stored_or_kept_for_long() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let rest = Person::stranger(&stack).rest().clone();
    let credentials = json!({"email": ann.email, "password": PASSWORD});
    post(&rest, "/api/sessions", "in", &credentials).await.expect(201);
    let token = rest.cookie("__Host-session").unwrap();
    let sql = "SELECT sealed, extract(epoch FROM expires_at - now())::float8 FROM replies";
    let rows = stack.databases.auth.rows(sql, &[]).await;
    let (sealed, seconds): (Vec<u8>, f64) = (rows[0].get(0), rows[0].get(1));
    assert!(!sealed.windows(token.len()).any(|part| part == token.as_bytes()), "as it is");
    assert!(seconds <= 300.0, "longer than an access token: {seconds}");
    // Whoever changes a password has changed it for replays, too.
    let sql = "UPDATE users SET password_hash = '' WHERE email = $1";
    stack.databases.auth.execute(sql, &[&ann.email]).await;
    let answer = post(&rest.copy(), "/api/sessions", "in", &credentials).await;
    answer.refused(401, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn replies_are_forgotten_after_a_day_and_swept_without_a_scan() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let content = &stack.databases.content;
    let body = json!({"title": "Day"});
    let first = post(ann.rest(), POSTS, "day", &body).await.expect(201).text_at("/id");
    let sql = "SELECT FROM replies WHERE expires_at BETWEEN now() + interval '23 hours' \
               AND now() + interval '24 hours'";
    assert_eq!(content.rows(sql, &[]).await.len(), 1);
    content.execute("UPDATE replies SET expires_at = now()", &[]).await;
    let second = post(ann.rest(), POSTS, "day", &body).await.expect(201);
    assert_ne!(second.text_at("/id"), first, "a new day");
    assert_eq!(content.rows("SELECT FROM replies", &[]).await.len(), 1);

    let sql = "INSERT INTO replies (reply_id, request, sealed, expires_at) \
               SELECT sha256(n::text::bytea), '', '', now() + (n - 50) * interval '1 hour' \
               FROM generate_series(1, 5000) AS n";
    content.execute(sql, &[]).await;
    let expired =
        async || content.rows("SELECT FROM replies WHERE expires_at <= now()", &[]).await.len();
    assert_eq!(expired().await, 50);
    for (key, left) in [("a", 30), ("b", 10), ("c", 0), ("d", 0)] {
        post(ann.rest(), POSTS, key, &body).await.expect(201);
        assert_eq!(expired().await, left);
    }
    content.execute("ANALYZE replies", &[]).await;
    let sql = "EXPLAIN SELECT reply_id FROM replies WHERE expires_at <= now() \
               ORDER BY expires_at LIMIT 20 FOR UPDATE SKIP LOCKED";
    let plan: Vec<String> = content.rows(sql, &[]).await.iter().map(|row| row.get(0)).collect();
    assert!(plan.join("\n").contains("replies_expires_at_idx"), "{plan:?}");
}
