//! Authenticator apps, and the gate that asks for them.

use proto::auth::v1::{
    BeginTotpRequest, DeleteFactorRequest, RegenerateRecoveryCodesRequest,
    VerifySecondFactorRequest,
};
use serde_json::json;
use tests::{Person, Rest, Stack, authenticator::totp, refused};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{FACTORS, SECOND, add_app, challenge, claims, claims_of, forget_steps, letters, noted};

#[tokio::test]
async fn an_app_counts_once_a_code_confirms_it() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let begun = ann.rest().post(&format!("{FACTORS}/totp"), json!({})).await.expect(200);
    assert!(begun.text_at("/uri").starts_with("otpauth://totp/mainstay.test:ann"), "{begun:?}");
    assert!(begun.text_at("/qrSvg").contains("<svg"));
    ann.on_another_device(&stack).await;
    let listed = ann.rest().get(FACTORS).await.expect(200);
    assert_eq!(listed.body, json!({"factors": [], "recoveryCodesLeft": 0}));

    let secret = begun.text_at("/secret");
    let confirm = format!("{FACTORS}/totp/confirm");
    let right = totp(&secret);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    ann.rest().post(&confirm, json!({"code": wrong})).await.refused(401, "PROOF_REFUSED");
    ann.rest().post(&confirm, json!({"code": "1234"})).await.refused(422, "INVALID_FIELDS");
    let added = ann.rest().post(&confirm, json!({"code": right, "name": "Phone"})).await;
    let added = added.expect(200);
    assert_eq!(added.body["recoveryCodes"].as_array().unwrap().len(), 10);
    assert_eq!(added.text_at("/factor/kind"), "totp");
    assert!(!added.text.contains("oken\":\"ey"), "no token in the body: {}", added.text);

    let listed = ann.rest().get(FACTORS).await.expect(200);
    assert_eq!(listed.text_at("/factors/0/name"), "Phone");
    assert_eq!(listed.body["recoveryCodesLeft"], 10);
    assert!(!listed.text.contains(&secret), "nobody sees the secret again");
    let stored = stack.databases.auth.rows("SELECT sealed FROM factors", &[]).await;
    let stored: Vec<u8> = stored[0].get(0);
    assert!(!String::from_utf8_lossy(&stored).contains(&secret), "nor does the database");
    let again = ann.rest().post(&format!("{FACTORS}/totp"), json!({})).await;
    again.refused(409, "TOTP_EXISTS");
    ann.rest().post(&confirm, json!({"code": right})).await.refused(409, "FACTOR_NOT_BEGUN");
    assert_eq!((noted(&stack, &ann, "factor.added").await, letters(&stack, &ann).await), (1, 1));
}

#[tokio::test]
async fn the_first_factor_ends_sessions_that_were_opened_without_it() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let elsewhere = ann.on_another_device(&stack).await;
    assert_eq!(claims(ann.rest())["acr"], "aal1");
    let (secret, _) = add_app(ann.rest()).await;
    elsewhere.get("/api/sessions/current").await.refused(401, "SESSION_ENDED");
    ann.rest().get("/api/sessions/current").await.expect(200);
    let claims = claims(ann.rest());
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("aal2"), &json!(["mfa", "otp", "pwd"])));
    assert_ne!(secret, "");

    // What a token said before the factor was added does not let anybody remove it.
    let old = ann.grpc();
    let id = ann.rest().get(FACTORS).await.expect(200).text_at("/factors/0/id");
    let request = DeleteFactorRequest { user_id: "me".to_owned(), factor_id: id };
    let answer = old.factors().delete_factor(request).await;
    refused(answer, Code::Unauthenticated, "SESSION_ENDED");
    let request = RegenerateRecoveryCodesRequest { user_id: "me".to_owned() };
    let answer = old.factors().regenerate_recovery_codes(request).await;
    refused(answer, Code::Unauthenticated, "SESSION_ENDED");
    let request = BeginTotpRequest { user_id: "me".to_owned() };
    refused(old.factors().begin_totp(request).await, Code::Unauthenticated, "SESSION_ENDED");
}

#[tokio::test]
async fn a_password_alone_opens_nothing_any_more() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (secret, _) = add_app(ann.rest()).await;
    forget_steps(&stack).await;

    let rest = Rest::new(stack.gateway.listen);
    let wrong = json!({"email": ann.email, "password": "not the password"});
    let answer = rest.post("/api/sessions", wrong).await.refused(401, "INVALID_CREDENTIALS");
    assert_eq!(answer.body.get("challenge"), None, "only the right password is asked for more");
    let asked =
        rest.post("/api/sessions", json!({"email": ann.email, "password": tests::PASSWORD}));
    let asked = asked.await.refused(401, "SECOND_FACTOR_REQUIRED");
    assert_eq!(asked.body["methods"], json!(["recovery_code", "totp"]));
    assert_eq!(asked.header("www-authenticate"), "Bearer");
    assert_eq!(rest.cookie("__Host-session"), None);
    assert_eq!(noted(&stack, &ann, "session.second_factor_required").await, 1);

    let challenge = asked.text_at("/challenge");
    rest.post(SECOND, json!({"challenge": challenge})).await.refused(401, "PROOF_REFUSED");
    let shown = json!({"challenge": challenge, "code": totp(&secret)});
    let signed_in = rest.post(SECOND, shown).await.expect(200);
    assert_eq!(signed_in.text_at("/user/id"), ann.id);
    let claims = claims(&rest);
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("aal2"), &json!(["pwd", "otp", "mfa"])));
    rest.get("/api/users/me").await.expect(200);
}

#[tokio::test]
async fn the_same_holds_over_grpc() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (secret, _) = add_app(ann.rest()).await;
    forget_steps(&stack).await;
    let stranger = Person::stranger(&stack);
    let status = stranger.grpc().sessions().create_session(ann.credentials()).await;
    let status = refused(status, Code::Unauthenticated, "SECOND_FACTOR_REQUIRED");
    let told = status.get_details_error_info().unwrap().metadata;
    assert_eq!(told["methods"], "recovery_code,totp");
    let request = VerifySecondFactorRequest {
        challenge: told["challenge"].clone(),
        code: Some(totp(&secret)),
        ..Default::default()
    };
    let mut sign_in = stranger.grpc().sign_in();
    let reply = sign_in.verify_second_factor(request.clone()).await.unwrap().into_inner();
    assert_eq!(claims_of(&reply.access_token.unwrap())["acr"], "aal2");
    assert!(reply.refresh_token.is_some());
    forget_steps(&stack).await;
    let again = sign_in.verify_second_factor(request).await;
    refused(again, Code::Unauthenticated, "CHALLENGE_INVALID");
}

#[tokio::test]
async fn a_challenge_works_once_and_for_its_account_only() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let (anns, _) = add_app(ann.rest()).await;
    let (bobs, _) = add_app(bob.rest()).await;
    forget_steps(&stack).await;
    let rest = Rest::new(stack.gateway.listen);
    let challenge = challenge(&rest, &ann).await;
    if totp(&anns) != totp(&bobs) {
        let shown = json!({"challenge": challenge, "code": totp(&bobs)});
        rest.post(SECOND, shown).await.refused(401, "PROOF_REFUSED");
    }
    for wrong in ["x", challenge.get(1..).unwrap(), &format!("{challenge}A")] {
        let shown = json!({"challenge": wrong, "code": totp(&anns)});
        rest.post(SECOND, shown).await.refused(401, "CHALLENGE_INVALID");
    }
    let shown = || json!({"challenge": challenge, "code": totp(&anns)});
    rest.post(SECOND, shown()).await.expect(200);
    forget_steps(&stack).await;
    rest.post(SECOND, shown()).await.refused(401, "CHALLENGE_INVALID");
}

#[tokio::test]
async fn the_last_factor_that_is_removed_takes_the_codes_along() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    add_app(ann.rest()).await;
    let id = ann.rest().get(FACTORS).await.expect(200).text_at("/factors/0/id");
    bob.rest().delete(&format!("{FACTORS}/{id}")).await.refused(404, "NOT_FOUND");
    bob.rest()
        .delete(&format!("/api/users/{}/factors/{id}", ann.id))
        .await
        .refused(403, "NOT_YOURS");
    ann.rest().delete(&format!("{FACTORS}/{id}")).await.expect(204);
    let listed = ann.rest().get(FACTORS).await.expect(200);
    assert_eq!(listed.body, json!({"factors": [], "recoveryCodesLeft": 0}));
    ann.on_another_device(&stack).await;
    assert_eq!((noted(&stack, &ann, "factor.removed").await, letters(&stack, &ann).await), (1, 2));
}

#[tokio::test]
async fn an_operators_link_is_the_way_back_in() {
    let stack = Stack::start().await;
    let root = Person::admin(&stack, "root").await;
    add_app(root.rest()).await;
    let pool = database::Pool::new(&stack.databases.auth.url, 1).unwrap();
    let token = auth::operator::sign_in_link(&pool, &root.email).await.unwrap();
    let rest = Rest::new(stack.gateway.listen);
    rest.post("/api/sign-in-links/redeem", json!({"token": token})).await.expect(200);
    let id = rest.get(FACTORS).await.expect(200).text_at("/factors/0/id");
    rest.delete(&format!("{FACTORS}/{id}")).await.expect(204);
}
