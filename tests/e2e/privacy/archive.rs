//! What is in an archive, what is not, and who gets it.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::{Value, json};
use tests::{Database, PASSWORD, Person, Rest, Stack, refused};
use tonic::Code;

use super::{Archive, EXPORT, direct, export};
use crate::factors::{add_app, add_passkey, age, noted};

/// Somebody who has used everything there is, and what they keep to themselves.
async fn ann(stack: &Stack) -> (Person, Vec<String>) {
    let ann = Person::user(stack, "ann").await;
    let (secret, codes) = add_app(ann.rest()).await;
    add_passkey(ann.rest()).await;
    let key = json!({"name": "a script", "scopes": ["posts.read"]});
    let key = ann.rest().post("/api/users/me/api-keys", key).await.expect(201);
    let auth = &stack.databases.auth;
    let sql = "INSERT INTO identities (identity_id, user_id, issuer, subject, email) \
               SELECT gen_random_uuid(), user_id, 'https://sso.example.com', 'subject-7', email \
               FROM users WHERE username = 'ann'";
    assert_eq!(auth.execute(sql, &[]).await, 1);
    auth.execute("UPDATE users SET email_verified = true", &[]).await;
    let change = json!({"email": "ann2@example.com", "password": PASSWORD});
    ann.rest().post("/api/users/me/change-email", change).await.expect(204);
    ann.publish("Hers, for all").await;
    ann.write("Hers alone").await;
    let cookies = ["__Host-access", "__Host-session", "__Host-device"];
    let cookies = cookies.map(|name| ann.rest().cookie(name).unwrap());
    let mut secrets = [codes, cookies.to_vec()].concat();
    secrets.extend([secret, key.text_at("/key"), PASSWORD.to_owned()]);
    (ann, secrets)
}

/// Everything in a database that is no text: hashes, sealed secrets, salts; and the
/// hashes of passwords. As an archive might have it: in hexadecimal or base64.
async fn hidden(database: &Database) -> Vec<String> {
    let sql = "SELECT format('SELECT %I FROM %I WHERE length(%I) >= 8', column_name, table_name, \
                   column_name) \
               FROM information_schema.columns JOIN information_schema.tables \
                   USING (table_schema, table_name) \
               WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type = 'bytea'";
    let mut hidden = Vec::new();
    for row in database.rows(sql, &[]).await {
        for row in database.rows(row.get(0), &[]).await {
            let bytes: Vec<u8> = row.get::<_, Option<_>>(0).unwrap_or_default();
            let base64 = STANDARD_NO_PAD.encode(&bytes);
            hidden.extend([hex(&bytes), base64.replace('+', "-").replace('/', "_"), base64]);
        }
    }
    for row in database.rows("SELECT password_hash FROM users", &[]).await {
        hidden.push(row.get(0));
    }
    hidden
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn kinds(archive: &Archive) -> Vec<String> {
    let events = archive.lines("events.ndjson");
    events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_archive_holds_everything_about_its_owner() {
    let stack = Stack::whole().await;
    let (ann, _) = ann(&stack).await;
    let answer = ann.rest().get(EXPORT).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/zip");
    let disposition = answer.header("content-disposition");
    assert!(disposition.starts_with("attachment; filename=\"mainstay-archive-20"), "{disposition}");
    assert!(disposition.ends_with(".zip\""), "{disposition}");
    assert_eq!((answer.header("cache-control"), answer.header("etag")), ("no-store", ""));
    let archive = Archive::read(&answer.bytes).await.expect("a whole archive");

    let account = archive.json("account.json");
    let shown = ann.rest().get("/api/users/me").await.expect(200);
    assert_eq!((&account["user"], &account["hasPassword"]), (&shown.body, &json!(true)));
    let first = |name: &str| archive.json(name)[0].clone();
    assert_eq!(first("sessions.json")["address"], "127.0.0.1");
    assert!(first("sessions.json")["createdAt"].as_str().unwrap().ends_with('Z'));
    assert!(first("devices.json")["lastSeenAt"].is_string());
    let factors = archive.json("second-factors.json");
    let names: Vec<_> = factors.as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["Phone", "Key"]);
    assert_eq!(archive.told("recovery-codes.json"), 10);
    assert_eq!(first("identities.json")["subject"], "subject-7");
    assert_eq!(first("api-keys.json")["name"], "a script");
    let confirmations = archive.json("confirmations.json");
    let mut purposes = confirmations.as_array().unwrap().iter();
    let change = purposes.find(|it| it["purpose"] == "change").unwrap();
    assert_eq!(change["email"], "ann2@example.com");
    assert!(archive.told("letters.json") > 0, "letters about factors");
    for kind in ["account.created", "session.created", "factor.added", "account.exported"] {
        assert!(kinds(&archive).contains(&kind.to_owned()), "{kind}: {:?}", kinds(&archive));
    }
    assert_eq!(archive.lines("events.ndjson")[0]["kind"], "account.created");
    let posts = archive.lines("posts.ndjson");
    let of = |post: &Value| (post["post"]["title"].clone(), post["post"]["status"].clone());
    let expected = [("Hers, for all", "published"), ("Hers alone", "draft")];
    let expected = expected.map(|(title, status)| (json!(title), json!(status)));
    assert_eq!(posts.iter().map(of).collect::<Vec<_>>(), expected);
    assert_eq!(posts[1]["post"]["body"], "About Hers alone.");
    assert_eq!(archive.json("manifest.json")["userId"], json!(ann.id));
    for name in archive.0.keys() {
        assert!(archive.0["README.txt"].contains(name) || name == "README.txt", "{name}");
    }
    assert_eq!(noted(&stack, &ann, "account.exported").await, 1);
}

#[tokio::test]
async fn an_archive_holds_no_secret_and_nothing_of_others() {
    let stack = Stack::whole().await;
    let (ann, mut secrets) = ann(&stack).await;
    let bob = Person::user(&stack, "bob").await;
    bob.publish("His").await;
    let (auth, content) = (&stack.databases.auth, &stack.databases.content);
    secrets.extend(hidden(auth).await);
    secrets.extend(stack.letters("ann2@example.com").await.iter().map(tests::Letter::token));
    let sql = "SELECT post_id::text FROM posts WHERE author_id::text = $1";
    secrets.extend(content.rows(sql, &[&bob.id]).await.iter().map(|row| row.get::<_, String>(0)));
    secrets.extend([bob.id.clone(), bob.email.clone(), "About His".to_owned()]);
    assert!(secrets.len() > 60, "only {}", secrets.len());
    let archive = Archive::of(ann.rest()).await;
    for (name, text) in &archive.0 {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} is in {name}");
        }
    }
}

#[tokio::test]
async fn only_its_owner_takes_an_archive() {
    let stack = Stack::whole().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let admin = Person::admin(&stack, "root").await;
    let path = format!("/api/users/{}/export", ann.id);
    for other in [&bob, &admin] {
        other.rest().get(&path).await.refused(403, "NOT_YOURS");
        refused(export(other.grpc(), &ann.id).await, Code::PermissionDenied, "NOT_YOURS");
    }
    Rest::new(stack.gateway.listen).get(&path).await.refused(401, "SIGN_IN_REQUIRED");
    let enter = format!("/api/users/{}/impersonate", ann.id);
    let browser = admin.rest().copy();
    browser.post(&enter, json!({"reason": "they asked"})).await.expect(200);
    browser.get(&path).await.refused(403, "OWNER_ONLY");
    let token = browser.cookie("__Host-access").unwrap();
    let entered = export(&admin.grpc().with_token(&token), "me").await;
    refused(entered, Code::PermissionDenied, "OWNER_ONLY");

    age(&stack, ann.rest()).await;
    ann.rest().get(EXPORT).await.refused(401, "STEP_UP_REQUIRED");
    refused(export(&direct(&ann), "me").await, Code::Unauthenticated, "STEP_UP_REQUIRED");
    assert_eq!(noted(&stack, &ann, "account.exported").await, 0);
    let again = json!({"password": PASSWORD});
    ann.rest().post("/api/sessions/current/reauthenticate", again).await.expect(200);
    ann.rest().get(EXPORT).await.expect(200);
}

#[tokio::test]
async fn an_archive_has_no_parts() {
    let stack = Stack::whole().await;
    let ann = Person::user(&stack, "ann").await;
    let head = ann.rest().call("HEAD", EXPORT).send().await.expect(200);
    assert_eq!((head.header("content-type"), head.bytes.len()), ("application/zip", 0));
    let part = ann.rest().call("GET", EXPORT).header("range", "bytes=0-9").send().await;
    let part = part.expect(200);
    assert_eq!(part.header("accept-ranges"), "none");
    assert!(Archive::read(&part.bytes).await.is_some());
}
