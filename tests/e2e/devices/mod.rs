//! The devices that somebody is signed in on: what they are shown, how they are
//! signed out, and which of them are known.

mod known;

use std::time::Duration;

use platform::seal::MasterKey;
use proto::auth::v1::{EndSessionsRequest, ListSessionsRequest, SessionRange};
use serde_json::{Value, json};
use tests::{PASSWORD, Person, Rest, Stack, eventually, refused};
use tonic::Code;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(10);
const SESSIONS: &str = "/api/sessions";
const CURRENT: &str = "/api/sessions/current";
const REFRESH: &str = "/api/sessions/current/refresh";
const DEVICE: &str = "__Host-device";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// Signs in with a browser, and returns the session.
async fn sign_in(person: &Person, rest: &Rest) -> Value {
    let body = json!({"email": person.email, "password": PASSWORD});
    let call = rest.call("POST", SESSIONS).header("user-agent", FIREFOX);
    call.json(&body).send().await.expect(201).body
}

async fn sessions(rest: &Rest) -> Vec<Value> {
    rest.get(SESSIONS).await.expect(200).body["sessions"].as_array().unwrap().clone()
}

/// The letters of a kind, as they will be read.
async fn letters(stack: &Stack, kind: &str) -> Vec<Value> {
    let master: MasterKey = stack.secret_key.parse().unwrap();
    let sealer = master.sealer("auth letters");
    let sql = "SELECT letter_id, sealed FROM letters WHERE kind = $1 ORDER BY letter_id";
    let rows = stack.databases.auth.rows(sql, &[&kind]).await;
    let read = rows.iter().map(|row| {
        let (id, sealed): (Uuid, Vec<u8>) = (row.get(0), row.get(1));
        serde_json::from_slice(&sealer.open(id.as_bytes(), &sealed).unwrap()).unwrap()
    });
    read.collect()
}

async fn count(stack: &Stack, sql: &str) -> i64 {
    stack.databases.auth.rows(sql, &[]).await[0].get(0)
}

#[tokio::test]
async fn sessions_show_their_device_their_address_and_when_they_were_last_seen() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let browser = Rest::new(stack.gateway.listen);
    let opened = sign_in(&ann, &browser).await;
    assert_eq!(
        (&opened["deviceName"], &opened["isCurrent"]),
        (&json!("Firefox on Linux"), &json!(true))
    );
    let phone = Rest::new(stack.gateway.listen);
    let body = json!({"email": ann.email, "password": PASSWORD, "deviceName": " Ann's phone "});
    phone.post(SESSIONS, body).await.expect(201);

    let shown = sessions(&browser).await;
    // Two of the person herself, one over REST and one over gRPC.
    let names: Vec<_> = shown.iter().map(|it| it["deviceName"].as_str().unwrap()).collect();
    assert_eq!(names, ["Ann's phone", "Firefox on Linux", "", "tonic"]);
    let current: Vec<_> = shown.iter().map(|it| it["isCurrent"] == true).collect();
    assert_eq!(current, [false, true, false, false]);
    for session in &shown {
        let address = session["address"].as_str().unwrap();
        assert!(["127.0.0.1", "::1"].contains(&address), "{session}");
        assert_eq!(session["lastSeenAt"], session["createdAt"], "{session}");
    }
    let over_grpc = ann.grpc().sessions().list_sessions(ListSessionsRequest {}).await.unwrap();
    let over_grpc = over_grpc.into_inner().sessions;
    let ids = |ids: Vec<&str>| ids.into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        ids(over_grpc.iter().map(|it| &*it.id).collect()),
        ids(shown.iter().map(|it| it["id"].as_str().unwrap()).collect())
    );
    assert_eq!(over_grpc.iter().position(|it| it.is_current), Some(3));
    let bob = Person::user(&stack, "bob").await;
    assert_eq!(sessions(bob.rest()).await.len(), 2, "nobody sees those of others");
    Person::stranger(&stack).rest().get(SESSIONS).await.refused(401, "SIGN_IN_REQUIRED");
}

#[tokio::test]
async fn a_device_is_seen_when_it_refreshes_and_at_most_once_a_minute() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let ago = async |time: &str| {
        let sql =
            format!("UPDATE sessions SET last_seen_at = now() - interval '{time}', address = ''");
        stack.databases.auth.execute(&sql, &[]).await;
    };
    let seen = "SELECT count(*) FROM sessions \
                WHERE last_seen_at > now() - interval '10 seconds' AND address <> ''";
    ago("2 hours").await;
    ann.rest().post(REFRESH, json!({})).await.expect(200);
    assert_eq!(count(&stack, seen).await, 1, "only the one that did");
    ago("30 seconds").await;
    ann.rest().post(REFRESH, json!({})).await.expect(200);
    assert_eq!(count(&stack, seen).await, 0, "not a write for each");
}

#[tokio::test]
async fn all_other_devices_or_all_are_signed_out_at_once() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let bob = Person::user(&stack, "bob").await;
    let (one, other) = (ann.on_another_device(&stack).await, ann.on_another_device(&stack).await);
    let ended = one.post("/api/sessions/end", json!({"which": "SESSION_RANGE_OTHERS"})).await;
    assert_eq!(ended.expect(200).body, json!({"ended": 3}));
    for device in [&other, ann.rest()] {
        device.get(CURRENT).await.refused(401, "SESSION_ENDED");
    }
    assert_eq!(sessions(&one).await.len(), 1);
    let again = ann.on_another_device(&stack).await;
    let ended = one.post("/api/sessions/end", json!({"which": "SESSION_RANGE_ALL"})).await;
    assert_eq!(ended.expect(200).body, json!({"ended": 2}));
    assert_eq!((one.cookie("__Host-access"), one.cookie("__Host-session")), (None, None));
    again.get(CURRENT).await.refused(401, "SESSION_ENDED");
    bob.rest().get(CURRENT).await.expect(200);
    let events = "SELECT count(*) FROM audit_events WHERE kind = 'session.ended'";
    assert_eq!(count(&stack, events).await, 5);

    let request = EndSessionsRequest { which: SessionRange::All.into() };
    let ended = bob.grpc().sessions().end_sessions(request).await.unwrap().into_inner();
    assert_eq!((ended.ended, ended.refresh_token.as_deref()), (2, Some("")));
    let answer = eventually("the service has heard of it", SOON, async || {
        let answer = bob.grpc().sessions().list_sessions(ListSessionsRequest {}).await;
        answer.is_err().then_some(answer)
    });
    refused(answer.await, Code::Unauthenticated, "SESSION_ENDED");
    let request = EndSessionsRequest { which: SessionRange::All.into() };
    let answer = Person::stranger(&stack).grpc().sessions().end_sessions(request).await;
    refused(answer, Code::Unauthenticated, "SIGN_IN_REQUIRED");
}

#[tokio::test]
async fn of_too_many_sessions_the_oldest_goes() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let oldest = ann.rest().get(CURRENT).await.expect(200).text_at("/id");
    for _ in 0..98 {
        let sql = "INSERT INTO sessions (session_id, user_id, expires_at) \
                   VALUES ($1, $2, now() + interval '1 day')";
        let (id, user) = (Uuid::now_v7(), ann.id.parse::<Uuid>().unwrap());
        stack.databases.auth.execute(sql, &[&id, &user]).await;
    }
    // The one over gRPC is older still.
    assert_eq!(sessions(ann.rest()).await.len(), 100);
    let new = ann.on_another_device(&stack).await;
    let shown = sessions(&new).await;
    assert_eq!(shown.len(), 100);
    assert!(shown.iter().any(|it| it["id"] == oldest), "only one had to go");
    ann.on_another_device(&stack).await;
    ann.rest().get(CURRENT).await.refused(401, "SESSION_ENDED");
    new.get(CURRENT).await.expect(200);
}

/// For how long sessions and refresh tokens last, in hours.
async fn hours(stack: &Stack, username: &str) -> (f64, f64) {
    let sql = "SELECT extract(epoch FROM max(sessions.expires_at) - now())::float8 / 3600, \
                      extract(epoch FROM max(refresh_tokens.expires_at) - now())::float8 / 3600 \
               FROM sessions JOIN users USING (user_id) JOIN refresh_tokens USING (session_id) \
               WHERE username = $1";
    let row = &stack.databases.auth.rows(sql, &[&username]).await[0];
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn sessions_end_when_idle_or_old_and_those_of_admins_sooner() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let root = Person::admin(&stack, "root").await;
    let (session, idle) = hours(&stack, "ann").await;
    assert!((719.0..=720.0).contains(&session) && (335.0..=336.0).contains(&idle));
    let (session, idle) = hours(&stack, "root").await;
    assert!((11.9..=12.0).contains(&session) && (0.4..=0.5).contains(&idle));
    root.rest().post(REFRESH, json!({})).await.expect(200);

    // Whoever becomes an admin has the sessions of one.
    let later = async |sql: &str| assert!(stack.databases.auth.execute(sql, &[]).await > 0);
    later("UPDATE sessions SET created_at = created_at - interval '11 hours'").await;
    ann.rest().post(REFRESH, json!({})).await.expect(200);
    later("UPDATE users SET roles = ARRAY['admin'] WHERE username = 'ann'").await;
    ann.rest().post(REFRESH, json!({})).await.expect(200);
    later("UPDATE refresh_tokens SET created_at = created_at - interval '31 minutes'").await;
    ann.rest().copy().post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");
    later("UPDATE refresh_tokens SET created_at = created_at + interval '31 minutes'").await;
    ann.rest().post(REFRESH, json!({})).await.expect(200);
    later("UPDATE sessions SET created_at = created_at - interval '2 hours'").await;
    ann.rest().post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");
}

#[tokio::test]
async fn limits_of_sessions_are_settings() {
    let builder = Stack::builder()
        .set("auth", "MAINSTAY_SESSION_SECONDS", "7200")
        .set("auth", "MAINSTAY_SESSION_IDLE_SECONDS", "3600")
        .set("auth", "MAINSTAY_ADMIN_SESSION_SECONDS", "720")
        .set("auth", "MAINSTAY_ADMIN_SESSION_IDLE_SECONDS", "360");
    let stack = builder.start().await;
    for (name, admin, expected) in [("ann", false, (2.0, 1.0)), ("root", true, (0.2, 0.1))] {
        if admin {
            Person::admin(&stack, name).await;
        } else {
            Person::user(&stack, name).await;
        }
        let (session, idle) = hours(&stack, name).await;
        let near = |hours: f64, expected: f64| (expected - 0.05..=expected).contains(&hours);
        assert!(near(session, expected.0) && near(idle, expected.1), "{name} {session} {idle}");
    }
}
