//! What admins do to the accounts of others.

mod impersonation;
mod search;

use std::time::Duration;

use futures_util::future::{join, join_all};
use proto::auth::v1::{SetRolesRequest, SuspendUserRequest};
use serde_json::{Value, json};
use tests::{PASSWORD, Person, Rest, Stack, eventually, reason, refused};
use tonic::Code;

const REFRESH: &str = "/api/sessions/current/refresh";

fn why() -> Value {
    json!({"reason": "spam in comments"})
}

fn path(person: &Person, verb: &str) -> String {
    format!("/api/users/{}/{verb}", person.id)
}

fn suspend(person: &Person) -> SuspendUserRequest {
    SuspendUserRequest { user_id: person.id.clone(), reason: "spam in comments".to_owned() }
}

async fn set_roles(admin: &Person, whose: &Person, roles: &[&str]) -> tests::Answer {
    let body = json!({"roles": roles, "reason": "new job"});
    admin.rest().call("PUT", &path(whose, "roles")).json(&body).send().await
}

/// The events of an account, once there are so many.
async fn events(admin: &Person, whose: &Person, count: usize) -> Vec<Value> {
    let list = format!("/api/audit-events?subject={}&kind=account.", whose.id);
    eventually("the events are chained", Duration::from_secs(20), async || {
        let answer = admin.rest().get(&list).await.expect(200);
        let events = answer.body["events"].as_array().unwrap().clone();
        (events.len() >= count).then_some(events)
    })
    .await
}

#[tokio::test]
async fn a_suspended_account_lets_nobody_in_until_it_is_restored() {
    let stack = Stack::start().await;
    let (ann, admin) = (Person::user(&stack, "ann").await, Person::admin(&stack, "root").await);
    let (session, copy) = (ann.rest().cookie("__Host-session").unwrap(), ann.rest().copy());
    let suspended = admin.rest().post(&path(&ann, "suspend"), why()).await.expect(200);
    assert!(suspended.text_at("/suspendedAt").ends_with('Z'), "{suspended:?}");

    // Its sessions have ended, and signing in tells no more than a wrong password.
    copy.post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");
    ann.rest().get("/api/sessions/current").await.refused(401, "SESSION_ENDED");
    let mut told = Vec::new();
    for (email, password) in
        [(&*ann.email, PASSWORD), (&*ann.email, "wrong"), ("no@no.no", "wrong")]
    {
        let stranger = Rest::new(stack.gateway.listen);
        let credentials = json!({"email": email, "password": password});
        let answer = stranger.post("/api/sessions", credentials).await;
        told.push(answer.refused(401, "INVALID_CREDENTIALS").body_of_any_request());
    }
    assert!(told.iter().all(|it| *it == told[0]), "{told:?}");
    let stranger = Person::stranger(&stack);
    let answer = stranger.grpc().sessions().create_session(ann.credentials()).await;
    refused(answer, Code::Unauthenticated, "INVALID_CREDENTIALS");

    let restored = admin.rest().post(&path(&ann, "restore"), why()).await.expect(200);
    assert_eq!(restored.body["suspendedAt"], Value::Null);
    ann.on_another_device(&stack).await.get("/api/users/me").await.expect(200);
    copy.set_cookie("__Host-session", Some(&session));
    copy.post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");

    let events = events(&admin, &ann, 3).await;
    let kinds: Vec<_> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["account.restored", "account.suspended", "account.created"]);
    assert_eq!(events[1]["actorId"], admin.id);
    assert_eq!(events[1]["details"], json!([{"name": "reason", "value": "spam in comments"}]));
}

#[tokio::test]
async fn suspending_twice_is_suspending() {
    let stack = Stack::start().await;
    let (ann, admin) = (Person::user(&stack, "ann").await, Person::admin(&stack, "root").await);
    let first = admin.rest().post(&path(&ann, "suspend"), why()).await.expect(200);
    let second = admin.rest().post(&path(&ann, "suspend"), why()).await.expect(200);
    assert_eq!(first.body, second.body);
    admin
        .rest()
        .post(&path(&ann, "suspend"), json!({"reason": ""}))
        .await
        .refused(422, "INVALID_FIELDS");
    let nobody = "/api/users/0197c5aa-bbcc-7000-8000-000000000000/suspend";
    admin.rest().post(nobody, why()).await.refused(404, "NOT_FOUND");
    let bob = Person::user(&stack, "bob").await;
    bob.rest().post(&path(&admin, "suspend"), why()).await.refused(403, "ROLE_REQUIRED");
}

#[tokio::test]
async fn whoever_signs_in_while_being_suspended_stays_out() {
    let stack = Stack::start().await;
    let admin = Person::admin(&stack, "root").await;
    for round in 0..5 {
        let ann = Person::user(&stack, &format!("ann-{round}")).await;
        let mut administration = admin.grpc().administration();
        let suspending = administration.suspend_user(suspend(&ann));
        let mut doors = vec![ann.grpc().sessions(); 4];
        let knocking = doors.iter_mut().map(|door| door.create_session(ann.credentials()));
        let (suspended, _) = join(suspending, join_all(knocking)).await;
        suspended.unwrap();
        let sql = "SELECT session_id FROM sessions JOIN users USING (user_id) \
                   WHERE username = $1 AND ended_at IS NULL";
        let open = stack.databases.auth.rows(sql, &[&ann.username]).await;
        assert!(open.is_empty(), "{} sessions of a suspended account", open.len());
    }
}

#[tokio::test]
async fn nobody_acts_on_their_own_account() {
    let stack = Stack::start().await;
    let admin = Person::admin(&stack, "root").await;
    for verb in ["suspend", "restore", "end-sessions", "impersonate"] {
        for id in ["me", &*admin.id] {
            let path = format!("/api/users/{id}/{verb}");
            admin.rest().post(&path, why()).await.refused(403, "NOT_TO_YOURSELF");
        }
    }
    set_roles(&admin, &admin, &[]).await.refused(403, "NOT_TO_YOURSELF");
    admin.rest().delete("/api/users/me").await.refused(409, "LAST_ADMIN");
    let other = Person::admin(&stack, "other").await;
    admin.rest().delete("/api/users/me").await.expect(204);
    other.rest().delete("/api/users/me").await.refused(409, "LAST_ADMIN");
}

#[tokio::test]
async fn admins_who_turn_on_each_other_leave_one() {
    let stack = Stack::start().await;
    for round in 0..4 {
        let a = Person::admin(&stack, &format!("a-{round}")).await;
        let b = Person::admin(&stack, &format!("b-{round}")).await;
        let (mut one, mut two) = (a.grpc().administration(), b.grpc().administration());
        let results = if round % 2 == 0 {
            let (one, two) =
                join(one.suspend_user(suspend(&b)), two.suspend_user(suspend(&a))).await;
            [one.map(drop), two.map(drop)]
        } else {
            let lower = |person: &Person| SetRolesRequest {
                user_id: person.id.clone(),
                roles: Vec::new(),
                reason: "reorganised".to_owned(),
            };
            let (one, two) = join(one.set_roles(lower(&b)), two.set_roles(lower(&a))).await;
            [one.map(drop), two.map(drop)]
        };
        let refusals: Vec<_> = results.iter().filter_map(|it| it.as_ref().err()).collect();
        assert_eq!(refusals.len(), 1, "{results:?}");
        assert_eq!(reason(refusals[0]), "ROLE_REQUIRED");
    }
}

#[tokio::test]
async fn a_lost_rank_counts_at_once() {
    let stack = Stack::start().await;
    let (admin, ed) = (Person::admin(&stack, "root").await, Person::editor(&stack, "eddie").await);
    let before = ed.rest().get("/api/users/me").await.expect(200);
    set_roles(&admin, &ed, &["editor"]).await.expect(200);
    ed.rest().get("/api/sessions/current").await.expect(200);
    let changed = set_roles(&admin, &ed, &[]).await.expect(200);
    assert_eq!(changed.body["roles"], json!([]));
    assert_ne!(changed.text_at("/etag"), before.text_at("/etag"));
    ed.rest().get("/api/sessions/current").await.refused(401, "SESSION_ENDED");

    let again = ed.on_another_device(&stack).await;
    assert_eq!(again.get("/api/users/me").await.expect(200).body["roles"], json!([]));
    set_roles(&admin, &ed, &["admin", "editor"]).await.expect(200);
    again.get("/api/sessions/current").await.refused(401, "SESSION_ENDED");
    set_roles(&admin, &ed, &["root"]).await.refused(422, "INVALID_FIELDS");
    let events = events(&admin, &ed, 3).await;
    let details = json!([
        {"name": "had", "value": ""}, {"name": "has", "value": "admin,editor"},
        {"name": "reason", "value": "new job"},
    ]);
    assert_eq!(events[0]["details"], details, "{events:?}");
}

#[tokio::test]
async fn an_admin_signs_somebody_out_everywhere() {
    let stack = Stack::start().await;
    let (ann, admin) = (Person::user(&stack, "ann").await, Person::admin(&stack, "root").await);
    let elsewhere = ann.on_another_device(&stack).await;
    let ended = admin.rest().post(&path(&ann, "end-sessions"), why()).await.expect(200);
    assert_eq!(ended.body["ended"], 3);
    for device in [ann.rest(), &elsewhere] {
        device.get("/api/sessions/current").await.refused(401, "SESSION_ENDED");
    }
    admin.rest().get("/api/sessions/current").await.expect(200);
    let again = admin.rest().post(&path(&ann, "end-sessions"), why()).await.expect(200);
    assert_eq!(again.body["ended"], 0);
}
