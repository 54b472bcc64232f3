//! Dangerous calls ask for a recent proof of who calls (RFC 9470).

use proto::auth::v1::{DeleteUserRequest, ReauthenticateRequest};
use serde_json::json;
use tests::{PASSWORD, Person, Stack, authenticator::totp, refused};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{AGAIN, FACTORS, add_app, add_passkey, age, claims, forget_steps, noted, show};

#[tokio::test]
async fn an_old_proof_is_renewed_before_anything_dangerous() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    age(&stack, ann.rest()).await;
    let before = ann.rest().cookie("__Host-session");
    let refused = ann.rest().delete("/api/users/me").await.refused(401, "STEP_UP_REQUIRED");
    assert_eq!(
        refused.header("www-authenticate"),
        "Bearer error=\"insufficient_user_authentication\", max_age=\"600\""
    );
    assert_eq!(refused.body["maxAge"], 600);
    assert_eq!(refused.header("set-cookie"), "", "the session is as good as before");
    for path in ["totp", "passkeys"] {
        let path = format!("{FACTORS}/{path}");
        ann.rest().post(&path, json!({})).await.refused(401, "STEP_UP_REQUIRED");
    }
    ann.rest().get("/api/users/me").await.expect(200);

    let wrong = json!({"password": "not the password"});
    ann.rest().post(AGAIN, wrong).await.refused(401, "INVALID_CREDENTIALS");
    ann.rest().post(AGAIN, json!({})).await.refused(401, "PROOF_REFUSED");
    ann.rest().post(AGAIN, json!({"code": "123456"})).await.refused(401, "PROOF_REFUSED");
    let renewed = ann.rest().post(AGAIN, json!({"password": PASSWORD})).await.expect(200);
    assert_eq!(renewed.text_at("/user/id"), ann.id);
    assert!(!renewed.text.contains("oken"), "{}", renewed.text);
    assert_eq!(ann.rest().cookie("__Host-session"), before, "other tabs keep their token");
    assert_eq!(noted(&stack, &ann, "session.reauthenticated").await, 1);
    ann.rest().delete("/api/users/me").await.expect(204);
}

#[tokio::test]
async fn services_ask_for_it_themselves() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    age(&stack, ann.rest()).await;
    let old = ann.grpc().with_token(&ann.rest().cookie("__Host-access").unwrap());
    let delete = || DeleteUserRequest { user_id: "me".to_owned() };
    let status = old.users().delete_user(delete()).await;
    let status = refused(status, Code::Unauthenticated, "STEP_UP_REQUIRED");
    assert_eq!(status.get_details_error_info().unwrap().metadata["max_age"], "600");
    let request =
        ReauthenticateRequest { password: Some(PASSWORD.to_owned()), ..Default::default() };
    let renewed = old.sign_in().reauthenticate(request).await.unwrap().into_inner();
    let new = old.with_token(&renewed.access_token.unwrap());
    new.users().delete_user(delete()).await.unwrap();
}

#[tokio::test]
async fn who_has_a_second_factor_renews_with_that() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (secret, _) = add_app(ann.rest()).await;
    let mut key = add_passkey(ann.rest()).await;
    age(&stack, ann.rest()).await;
    let answer = ann.rest().post(AGAIN, json!({"password": PASSWORD})).await;
    let answer = answer.refused(401, "SECOND_FACTOR_REQUIRED");
    assert_eq!(answer.body["methods"], json!(["passkey", "recovery_code", "totp"]));
    let codes = "/api/users/me/recovery-codes";
    ann.rest().post(codes, json!({})).await.refused(401, "STEP_UP_REQUIRED");

    forget_steps(&stack).await;
    ann.rest().post(AGAIN, json!({"code": totp(&secret)})).await.expect(200);
    assert_eq!(claims(ann.rest())["acr"], "aal2");
    ann.rest().post(codes, json!({})).await.expect(200);

    age(&stack, ann.rest()).await;
    ann.rest().post(codes, json!({})).await.refused(401, "STEP_UP_REQUIRED");
    let shown = show(ann.rest(), &mut key).await;
    ann.rest().post(AGAIN, json!({"passkey": shown})).await.expect(200);
    ann.rest().post(codes, json!({})).await.expect(200);
}

#[tokio::test]
async fn nobody_renews_with_the_passkey_of_another_or_in_a_session_that_has_ended() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let mut bobs = add_passkey(bob.rest()).await;
    let shown = show(ann.rest(), &mut bobs).await;
    ann.rest().post(AGAIN, json!({"passkey": shown})).await.refused(401, "PROOF_REFUSED");
    let stolen = ann.rest().copy();
    ann.rest().delete("/api/sessions/current").await.expect(204);
    stolen.post(AGAIN, json!({"password": PASSWORD})).await.refused(401, "SESSION_ENDED");
}

#[tokio::test]
async fn a_password_alone_changes_neither_password_nor_address_where_there_is_a_second_factor() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (secret, _) = add_app(ann.rest()).await;
    let address = json!({"email": "new@example.com", "password": PASSWORD});
    let password = json!({"currentPassword": PASSWORD, "password": "another horse battery"});
    let changes = [("change-email", address), ("change-password", password)];
    age(&stack, ann.rest()).await;
    for (verb, body) in &changes {
        let path = format!("/api/users/me/{verb}");
        let answer = ann.rest().post(&path, body.clone()).await;
        answer.refused(403, "FRESH_SIGN_IN_REQUIRED");
    }
    forget_steps(&stack).await;
    ann.rest().post(AGAIN, json!({"code": totp(&secret)})).await.expect(200);
    for (verb, body) in changes {
        ann.rest().post(&format!("/api/users/me/{verb}"), body).await.expect(204);
    }
}
