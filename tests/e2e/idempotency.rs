//! A request with an idempotency key is done once, however often it is sent.

use std::time::Duration;

use futures_util::future::join_all;
use prost::Message as _;
use proto::content::v1::CreatePostRequest;
use serde_json::{Value, json};
use tests::{
    Answer, Database, PASSWORD, Person, Rest, Stack,
    contract::{Method, is_credential, methods, pool},
    eventually, refused,
};
use tonic::{Code, Request};

const POSTS: &str = "/api/users/me/posts";
const LIMIT: Duration = Duration::from_mins(1);

async fn post(rest: &Rest, path: &str, key: &str, body: &Value) -> Answer {
    let call = rest.call("POST", path).header("idempotency-key", key);
    if body.is_null() { call.send().await } else { call.json(body).send().await }
}

/// Everything that is stored in a database, as one text.
async fn stored(database: &Database) -> String {
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    let mut stored = String::new();
    for row in database.rows(sql, &[]).await {
        let table: String = row.get(0);
        let sql = format!(
            "SELECT concat(count(*), ' ', md5(string_agg(t::text, ',' ORDER BY t::text))) FROM {table} t"
        );
        let digest: String = database.rows(&sql, &[]).await[0].get(0);
        stored = format!("{stored}{table} {digest}\n");
    }
    stored
}

async fn everything(stack: &Stack) -> String {
    stored(&stack.databases.auth).await + &stored(&stack.databases.content).await
}

/// A request of a method that succeeds and changes something. A new route that
/// takes POST needs a line here.
async fn request(stack: &Stack, person: &Person, method: &str) -> (String, Value) {
    let path = |id: String, verb: &str| format!("/api/posts/{id}/{verb}");
    match method {
        "CreateUser" => {
            let account =
                json!({"email": "new@example.com", "username": "new", "password": PASSWORD});
            ("/api/users".to_owned(), account)
        }
        "CreateSession" => {
            let credentials = json!({"email": person.email, "password": PASSWORD});
            ("/api/sessions".to_owned(), credentials)
        }
        "RedeemSignInLink" => {
            let pool = database::Pool::new(&stack.databases.auth.url, 1).unwrap();
            let link = auth::operator::sign_in_link(&pool, &person.email).await.unwrap();
            ("/api/sign-in-links/redeem".to_owned(), json!({"token": link}))
        }
        "RefreshSession" => ("/api/sessions/current/refresh".to_owned(), json!({})),
        "CreatePost" => (POSTS.to_owned(), json!({"title": "Once", "tags": ["a", "b"]})),
        "PublishPost" => (path(person.write("Draft").await, "publish"), Value::Null),
        "UnpublishPost" => (path(person.publish("News").await, "unpublish"), Value::Null),
        other => panic!("how is {other} called so that it succeeds? add it here"),
    }
}

/// Whether a method spends a secret, which is a key of its own.
fn spends_a_secret(method: &Method) -> bool {
    method.descriptor.input().fields().any(|field| is_credential(&field))
}

#[tokio::test]
async fn every_post_does_its_work_once() {
    let stack = Stack::start().await;
    let admin = Person::admin(&stack, "root").await;
    let takes_post = |method: &Method| method.routes.iter().any(|route| route.verb == "POST");
    let methods: Vec<_> = methods(&pool()).into_iter().filter(takes_post).collect();
    assert!(methods.len() >= 7, "only {} methods", methods.len());
    for method in methods {
        let name = method.descriptor.name();
        let (path, body) = request(&stack, &admin, name).await;
        let key = format!("key of {name}").replace(' ', "-");
        // A reply that was lost left no cookies.
        let (first, second) = (admin.rest().copy(), admin.rest().copy());
        let before = everything(&stack).await;
        let done = post(&first, &path, &key, &body).await;
        assert!(matches!(done.status, 200 | 201), "{name}: {done:?}");
        let after = everything(&stack).await;
        assert_ne!(before, after, "{name} does something");
        let again = post(&second, &path, &key, &body).await;
        assert_eq!(everything(&stack).await, after, "{name} does nothing more");
        assert_eq!((again.status, &again.text), (done.status, &done.text), "{name}");
        assert_eq!(again.header("location"), done.header("location"), "{name}");
        assert_eq!(first.cookie("__Host-session"), second.cookie("__Host-session"), "{name}");
        assert_eq!(done.header("idempotent-replayed"), "", "{name}");
        let replayed = if spends_a_secret(&method) { "" } else { "true" };
        assert_eq!(again.header("idempotent-replayed"), replayed, "{name}");
        if name == "RefreshSession" {
            // The old token may not be used again, neither here nor below.
            admin.rest().set_cookie("__Host-session", first.cookie("__Host-session").as_deref());
        }
    }
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
    let published = post(ann.rest(), &publish, "key", &Value::Null).await.expect(200);
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
