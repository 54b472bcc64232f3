//! Signing in as somebody else.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proto::auth::v1::{DeleteUserRequest, ImpersonateRequest, RefreshSessionRequest};
use serde_json::{Value, json};
use tests::{Person, Stack, refused};
use tonic::Code;

use super::{REFRESH, path, set_roles, why};

fn request(person: &Person) -> ImpersonateRequest {
    ImpersonateRequest { user_id: person.id.clone(), reason: "ticket 7".to_owned() }
}

fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

#[tokio::test]
async fn an_admin_acts_in_somebodys_name_for_an_hour_and_everybody_can_see_it() {
    let stack = Stack::start().await;
    let (ann, admin) = (Person::user(&stack, "ann").await, Person::admin(&stack, "root").await);
    let browser = admin.rest().copy();
    let session = browser.post(&path(&ann, "impersonate"), why()).await.expect(200);
    assert_eq!(session.text_at("/user/id"), ann.id);
    assert_eq!(session.text_at("/impersonatorId"), admin.id);
    assert_eq!(browser.get("/api/users/me").await.expect(200).text_at("/id"), ann.id);
    let current = browser.get("/api/sessions/current").await.expect(200);
    assert_eq!(current.text_at("/impersonatorId"), admin.id);
    let token = claims(&browser.cookie("__Host-access").unwrap());
    assert_eq!((&token["sub"], &token["act"]), (&json!(ann.id), &json!({"sub": admin.id})));
    let own = ann.rest().get("/api/sessions/current").await.expect(200);
    assert_eq!(own.text_at("/impersonatorId"), "");

    // It is renewed, but not beyond its hour, and neither are its tokens.
    let refreshed = browser.post(REFRESH, json!({})).await.expect(200);
    assert_eq!(refreshed.text_at("/impersonatorId"), admin.id);
    assert_eq!(refreshed.text_at("/expiresAt"), session.text_at("/expiresAt"));
    let sql = "SELECT expires_at - created_at <= interval '1 hour' FROM sessions \
               WHERE impersonator_id IS NOT NULL";
    assert!(stack.databases.auth.rows(sql, &[]).await[0].get::<_, bool>(0));
    let soon = "UPDATE sessions SET expires_at = now() + interval '20 seconds' \
                WHERE impersonator_id IS NOT NULL";
    stack.databases.auth.execute(soon, &[]).await;
    let refresh_token = browser.cookie("__Host-session").unwrap();
    let mut sessions = admin.grpc().sessions();
    let refreshed = sessions.refresh_session(RefreshSessionRequest { refresh_token }).await;
    let refreshed = refreshed.unwrap().into_inner();
    let (ends, now) = (refreshed.access_token_expires_at.unwrap().seconds, token["iat"].as_i64());
    assert!(ends <= now.unwrap() + 40, "no token outlives its session");
    let over = "UPDATE sessions SET expires_at = now() WHERE impersonator_id IS NOT NULL";
    stack.databases.auth.execute(over, &[]).await;
    browser.post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");

    let events = super::events(&admin, &ann, 2).await;
    assert_eq!(events[0]["kind"], "account.impersonated");
    assert_eq!(
        (&events[0]["actorId"], &events[0]["subjectId"]),
        (&json!(admin.id), &json!(ann.id))
    );
    // Ann sees who it was, and neither from where nor why.
    let own = ann.rest().get("/api/users/me/audit-events").await.expect(200);
    let own = own.body["events"].as_array().unwrap().clone();
    let seen = own.iter().find(|event| event["kind"] == "account.impersonated").unwrap();
    assert_eq!(seen["actorId"], admin.id);
    assert_eq!((&seen["address"], &seen["details"]), (&json!(""), &json!([])));
}

#[tokio::test]
async fn what_is_for_owners_only_stays_closed_to_impersonators() {
    let stack = Stack::start().await;
    let (ann, admin) = (Person::user(&stack, "ann").await, Person::admin(&stack, "root").await);
    let browser = admin.rest().copy();
    browser.post(&path(&ann, "impersonate"), why()).await.expect(200);
    browser.delete("/api/users/me").await.refused(403, "OWNER_ONLY");
    let entered = admin.grpc().administration().impersonate(request(&ann)).await.unwrap();
    let acting = admin.grpc().with_token(&entered.into_inner().access_token.unwrap());
    let delete = DeleteUserRequest { user_id: "me".to_owned() };
    let answer = acting.users().delete_user(delete).await;
    refused(answer, Code::PermissionDenied, "OWNER_ONLY");
    // What it does is written down under both names.
    browser.patch("/api/users/me", json!({"displayName": "A."})).await.expect(200);
    let events = super::events(&admin, &ann, 4).await;
    assert_eq!(events[0]["kind"], "account.changed");
    assert_eq!(
        (&events[0]["actorId"], &events[0]["subjectId"]),
        (&json!(admin.id), &json!(ann.id))
    );
}

#[tokio::test]
async fn admins_and_suspended_accounts_cannot_be_entered() {
    let stack = Stack::start().await;
    let (ann, admin) = (Person::user(&stack, "ann").await, Person::admin(&stack, "root").await);
    let other = Person::admin(&stack, "other").await;
    admin.rest().post(&path(&other, "impersonate"), why()).await.refused(409, "NOT_IMPERSONABLE");
    let answer = admin.grpc().administration().impersonate(request(&other)).await;
    refused(answer, Code::FailedPrecondition, "NOT_IMPERSONABLE");
    admin.rest().post(&path(&ann, "suspend"), why()).await.expect(200);
    admin.rest().post(&path(&ann, "impersonate"), why()).await.refused(409, "NOT_IMPERSONABLE");
}

#[tokio::test]
async fn impersonation_ends_with_the_rank_of_whoever_does_it() {
    let stack = Stack::start().await;
    let (ann, admin) = (Person::user(&stack, "ann").await, Person::admin(&stack, "root").await);
    let other = Person::admin(&stack, "other").await;
    let browser = admin.rest().copy();
    browser.post(&path(&ann, "impersonate"), why()).await.expect(200);
    set_roles(&other, &admin, &[]).await.expect(200);
    browser.post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");
    ann.rest().get("/api/sessions/current").await.expect(200);

    // Whoever becomes an admin is nobody's puppet.
    let browser = other.rest().copy();
    browser.post(&path(&ann, "impersonate"), why()).await.expect(200);
    set_roles(&other, &ann, &["admin"]).await.expect(200);
    browser.post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");
}
