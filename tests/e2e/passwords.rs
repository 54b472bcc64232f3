//! Passwords: changing them, and choosing a new one when the old one is lost.

use proto::auth::v1::{
    ChangePasswordRequest, ConfirmPasswordResetRequest, RequestPasswordResetRequest,
};
use serde_json::{Value, json};
use tests::{Answer, PASSWORD, Person, Rest, Stack, authenticator::totp, refused};
use tonic::Code;

use crate::factors::{SECOND, add_app, forget_steps};

const CHANGE: &str = "/api/users/me/change-password";
const REQUEST: &str = "/api/password-resets";
const CONFIRM: &str = "/api/password-resets/confirm";
const OTHER: &str = "another horse battery";

async fn sign_in(stack: &Stack, email: &str, password: &str) -> Answer {
    let credentials = json!({"email": email, "password": password});
    Person::stranger(stack).rest().post("/api/sessions", credentials).await
}

async fn change(rest: &Rest, current: &str, password: &str) -> Answer {
    rest.post(CHANGE, json!({"currentPassword": current, "password": password})).await
}

/// Asks for a letter and returns its token.
async fn requested(stack: &Stack, email: &str) -> String {
    let rest = Person::stranger(stack).rest().clone();
    rest.post(REQUEST, json!({"email": email})).await.expect(204);
    stack.letter(email, "password_reset").await.token()
}

async fn kinds(stack: &Stack, email: &str) -> Vec<String> {
    let kinds = stack.letters(email).await.into_iter().map(|letter| letter.kind);
    // Tests sign in with new devices all the time.
    kinds.filter(|kind| kind != "new_device").collect()
}

async fn is_signed_in(rest: &Rest) -> bool {
    let refreshed = rest.post("/api/sessions/current/refresh", json!({})).await;
    assert!(matches!(refreshed.status, 200 | 401), "{refreshed:?}");
    refreshed.status == 200
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_all_other_sessions_end() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "annabel").await, Person::user(&stack, "bob").await);
    let elsewhere = ann.on_another_device(&stack).await;
    change(ann.rest(), "wrong horse battery", OTHER).await.refused(403, "CURRENT_PASSWORD_WRONG");
    // However fresh the sign-in is.
    change(ann.rest(), "", OTHER).await.refused(403, "CURRENT_PASSWORD_REQUIRED");
    for (weak, code) in [
        ("password1234", "PASSWORD_TOO_COMMON"),
        ("annabel and tea", "PASSWORD_CONTAINS_NAME"),
        ("short", "TOO_SHORT"),
    ] {
        let answer = change(ann.rest(), PASSWORD, weak).await.refused(422, "INVALID_FIELDS");
        let error = &answer.body["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!("#/password"), &json!(code)));
    }
    let theirs = format!("/api/users/{}/change-password", bob.id);
    let body = json!({"currentPassword": PASSWORD, "password": OTHER});
    ann.rest().post(&theirs, body.clone()).await.refused(403, "NOT_YOURS");
    let admin = Person::admin(&stack, "root").await;
    admin.rest().post(&theirs, body).await.refused(403, "NOT_YOURS");
    assert!(is_signed_in(&elsewhere).await);

    let token = requested(&stack, &ann.email).await;
    change(ann.rest(), PASSWORD, OTHER).await.expect(204);
    assert!(is_signed_in(ann.rest()).await);
    assert!(!is_signed_in(&elsewhere).await);
    sign_in(&stack, &ann.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    sign_in(&stack, &ann.email, OTHER).await.expect(201);
    assert_eq!(kinds(&stack, &ann.email).await.last().unwrap(), "password_changed");
    let body = json!({"token": token, "password": "yet another horse"});
    ann.rest().post(CONFIRM, body).await.refused(401, "EMAIL_CODE_INVALID");
    // A session that has ended changes nothing, though its token is still good.
    let request = ChangePasswordRequest {
        user_id: "me".to_owned(),
        current_password: OTHER.to_owned(),
        password: PASSWORD.to_owned(),
    };
    let answer = ann.grpc().passwords().change_password(request).await;
    refused(answer, Code::Unauthenticated, "SESSION_ENDED");
}

#[tokio::test]
async fn a_password_that_was_changed_is_changed_for_who_asks_again() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let body = json!({"currentPassword": PASSWORD, "password": OTHER});
    let again =
        || ann.rest().call("POST", CHANGE).header("idempotency-key", "1").json(&body).send();
    again().await.expect(204);
    assert_eq!(again().await.expect(204).header("idempotent-replayed"), "true");
    change(ann.rest(), PASSWORD, OTHER).await.refused(403, "CURRENT_PASSWORD_WRONG");
}

#[tokio::test]
async fn an_account_without_a_password_gets_one_after_a_fresh_sign_in_or_by_letter() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let auth = &stack.databases.auth;
    auth.execute("UPDATE users SET password_hash = ''", &[]).await;
    let sql = "UPDATE sessions SET authenticated_at = now() - interval '11 minutes'";
    auth.execute(sql, &[]).await;
    change(ann.rest(), "", OTHER).await.refused(403, "FRESH_SIGN_IN_REQUIRED");
    auth.execute("UPDATE sessions SET authenticated_at = now()", &[]).await;
    change(ann.rest(), "", OTHER).await.expect(204);
    sign_in(&stack, &ann.email, OTHER).await.expect(201);

    auth.execute("UPDATE users SET password_hash = ''", &[]).await;
    let body = json!({"token": requested(&stack, &ann.email).await, "password": PASSWORD});
    ann.rest().post(CONFIRM, body).await.expect(204);
    sign_in(&stack, &ann.email, PASSWORD).await.expect(201);
}

#[tokio::test]
async fn a_lost_password_is_replaced_and_every_session_ends() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let elsewhere = ann.on_another_device(&stack).await;
    let token = requested(&stack, &ann.email).await;
    assert_eq!(stack.letter(&ann.email, "password_reset").await.says["minutes"], 30);
    let stranger = Person::stranger(&stack);
    for _ in 0..50 {
        stranger.rest().get("/reset-password").await.expect(200);
        stranger.rest().call("HEAD", "/reset-password").send().await.expect(200);
    }
    // A password that is refused uses nothing up.
    let weak = json!({"token": token, "password": "ann@example.com"});
    let answer = stranger.rest().post(CONFIRM, weak).await.refused(422, "INVALID_FIELDS");
    assert_eq!(answer.body["errors"][0]["code"], "PASSWORD_CONTAINS_NAME");
    let in_query = stranger.rest().call("POST", &format!("{CONFIRM}?token={token}"));
    let in_query = in_query.json(&json!({"password": OTHER})).send().await;
    in_query.refused(400, "UNKNOWN_PARAMETER");
    assert!(is_signed_in(ann.rest()).await);

    let request = ConfirmPasswordResetRequest {
        token: token.clone(),
        password: OTHER.to_owned(),
        ..Default::default()
    };
    stranger.grpc().passwords().confirm_password_reset(request.clone()).await.unwrap();
    let again = stranger.grpc().passwords().confirm_password_reset(request).await;
    refused(again, Code::Unauthenticated, "EMAIL_CODE_INVALID");
    for session in [ann.rest(), &elsewhere] {
        assert!(!is_signed_in(session).await);
    }
    sign_in(&stack, &ann.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    let signed_in = sign_in(&stack, &ann.email, OTHER).await.expect(201);
    assert_eq!(signed_in.body["user"]["emailVerified"], true, "who reads its mail owns it");
    assert_eq!(kinds(&stack, &ann.email).await.last().unwrap(), "password_changed");
    let rows = stack.databases.auth.rows("SELECT kind FROM audit_events", &[]).await;
    let events: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    for kind in ["password.reset_requested", "password.reset"] {
        assert!(events.iter().any(|event| event == kind), "{events:?}");
    }
}

#[tokio::test]
async fn a_reset_does_not_sign_in() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let rest = Person::stranger(&stack).rest().clone();
    let body = json!({"token": requested(&stack, &ann.email).await, "password": OTHER});
    let answer = rest.post(CONFIRM, body).await.expect(204);
    assert_eq!((answer.header("set-cookie"), &*answer.text), ("", ""));
    rest.get("/api/users/me").await.refused(401, "SIGN_IN_REQUIRED");
    let sql = "SELECT FROM sessions WHERE ended_at IS NULL";
    assert_eq!(stack.databases.auth.rows(sql, &[]).await.len(), 0);
}

#[tokio::test]
async fn a_new_password_does_not_get_round_the_second_factor() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (secret, _) = add_app(ann.rest()).await;
    forget_steps(&stack).await;
    let rest = Person::stranger(&stack).rest().clone();
    let body = json!({"token": requested(&stack, &ann.email).await, "password": OTHER});
    rest.post(CONFIRM, body).await.expect(204);
    let asked = sign_in(&stack, &ann.email, OTHER).await.refused(401, "SECOND_FACTOR_REQUIRED");
    let shown = json!({"challenge": asked.text_at("/challenge"), "code": totp(&secret)});
    rest.post(SECOND, shown).await.expect(200);
}

#[tokio::test]
async fn a_password_stays_good_however_old_it_is() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let sql = "UPDATE users SET created_at = created_at - interval '20 years', \
               updated_at = updated_at - interval '20 years'";
    assert_eq!(stack.databases.auth.execute(sql, &[]).await, 1);
    sign_in(&stack, &ann.email, PASSWORD).await.expect(201);
}

#[tokio::test]
async fn asking_for_a_reset_tells_nothing_about_accounts() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let rest = Person::stranger(&stack).rest().clone();
    let ask = async |email: &str| rest.post(REQUEST, json!({"email": email})).await;
    let told = |answer: &Answer| {
        let names: Vec<_> = answer.headers.keys().map(|it| it.as_str().to_owned()).collect();
        (answer.status, names, answer.text.clone())
    };
    let known = ask("ANN@example.com").await.expect(204);
    // A second one at once is not written, for either, and nobody is told.
    for other in ["ann@example.com", "nobody@example.com", "nobody@example.com", "nonsense"] {
        assert_eq!(told(&ask(other).await), told(&known), "{other}");
    }
    let request = RequestPasswordResetRequest { email: "nobody@example.com".to_owned() };
    rest_of(&stack).request_password_reset(request).await.unwrap();
    assert_eq!(kinds(&stack, &ann.email).await, ["email_verification", "password_reset"]);
    assert!(stack.letters("nobody@example.com").await.is_empty());
    // Codes tell nothing either, and what nobody was sent opens nothing.
    for email in [&*ann.email, "nobody@example.com", "never@example.com"] {
        for _ in 0..6 {
            let body = json!({"email": email, "code": "00000000", "password": OTHER});
            let answer = rest.post(CONFIRM, body).await.refused(401, "EMAIL_CODE_INVALID");
            assert_eq!(answer.header("retry-after"), "");
        }
    }
}

#[tokio::test]
async fn nobody_fills_a_mailbox_that_may_be_somebody_elses() {
    let stack = Stack::start().await;
    // Nobody has proven that the address is theirs.
    let ann = Person::user(&stack, "ann").await;
    for number in 0..22 {
        let passwords = if number % 2 == 0 { [PASSWORD, OTHER] } else { [OTHER, PASSWORD] };
        change(ann.rest(), passwords[0], passwords[1]).await.expect(204);
    }
    let changed = async || {
        let kinds = kinds(&stack, &ann.email).await;
        kinds.iter().filter(|kind| *kind == "password_changed").count()
    };
    assert_eq!(changed().await, 20);
    // Nor letters with codes: each minute one, five an hour.
    let rest = Person::stranger(&stack).rest().clone();
    for _ in 0..8 {
        rest.post(REQUEST, json!({"email": ann.email})).await.expect(204);
        stack.after_a_minute().await;
    }
    let kinds = kinds(&stack, &ann.email).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "password_reset").count(), 5);
    let sql = "UPDATE letters SET created_at = created_at - interval '1 hour'";
    stack.databases.auth.execute(sql, &[]).await;
    change(ann.rest(), PASSWORD, OTHER).await.expect(204);
    assert_eq!(changed().await, 21);
}

fn rest_of(
    stack: &Stack,
) -> proto::auth::v1::password_service_client::PasswordServiceClient<tests::Authorized> {
    Person::stranger(stack).grpc().passwords()
}

#[tokio::test]
async fn the_last_letter_counts_for_half_an_hour_and_for_nothing_else() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let rest = Person::stranger(&stack).rest().clone();
    let reset = async |body: Value| rest.post(CONFIRM, body).await;
    let first = requested(&stack, &ann.email).await;
    stack.after_a_minute().await;
    let second = requested(&stack, &ann.email).await;
    assert_ne!(first, second);
    let with = |token: &str| json!({"token": token, "password": OTHER});
    reset(with(&first)).await.refused(401, "EMAIL_CODE_INVALID");
    // Letters are for what they are for.
    let verification = stack.letter(&ann.email, "email_verification").await.token();
    reset(with(&verification)).await.refused(401, "EMAIL_CODE_INVALID");
    let answer = rest.post("/api/emails/confirm", json!({"token": second})).await;
    answer.refused(401, "EMAIL_CODE_INVALID");
    let sql = "UPDATE challenges SET expires_at = now() WHERE purpose = 'reset'";
    stack.databases.auth.execute(sql, &[]).await;
    reset(with(&second)).await.refused(401, "EMAIL_CODE_INVALID");

    stack.after_a_minute().await;
    requested(&stack, &ann.email).await;
    let code = stack.letter(&ann.email, "password_reset").await.code();
    let body = json!({"email": "Ann@example.com", "code": code, "password": OTHER});
    let both = futures_util::future::join_all((0..4).map(|_| reset(body.clone()))).await;
    let mut statuses: Vec<_> = both.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401, 401, 401], "once");
    sign_in(&stack, &ann.email, OTHER).await.expect(201);
}
