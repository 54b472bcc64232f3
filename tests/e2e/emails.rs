//! Addresses: proving and changing them.

use proto::auth::v1::{ChangeEmailRequest, ConfirmEmailRequest, RequestEmailVerificationRequest};
use serde_json::{Value, json};
use tests::{Answer, PASSWORD, Person, Rest, Stack, refused};
use tonic::Code;

const CONFIRM: &str = "/api/emails/confirm";
const CHANGE: &str = "/api/users/me/change-email";
const REQUEST: &str = "/api/users/me/request-email-verification";

async fn confirm(rest: &Rest, body: Value) -> Answer {
    rest.post(CONFIRM, body).await
}

async fn is_verified(person: &Person) -> bool {
    let me = person.rest().get("/api/users/me").await.expect(200);
    me.body["emailVerified"].as_bool().unwrap()
}

/// A code that is not the one in a letter.
fn other_than(code: &str) -> String {
    code.chars().map(|digit| if digit == '9' { '0' } else { '9' }).collect()
}

#[tokio::test]
async fn a_link_is_used_up_by_post_only() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let letter = stack.letter("ann@example.com", "email_verification").await;
    let link = letter.text("link").to_owned();
    let (page, token) = link.split_once("#token=").unwrap();
    assert_eq!(page, "https://mainstay.test/verify-email");
    // What mail scanners do, and worse: with the token where it does not belong.
    let scanner = Person::stranger(&stack);
    for _ in 0..25 {
        for method in ["GET", "HEAD"] {
            scanner.rest().call(method, "/verify-email").send().await.expect(200);
        }
        let path = format!("/verify-email?token={token}");
        scanner.rest().get(&path).await.expect(200);
        scanner.rest().get(CONFIRM).await.refused(405, "METHOD_NOT_ALLOWED");
    }
    let in_query = scanner.rest().call("POST", &format!("{CONFIRM}?token={token}"));
    in_query.json(&json!({})).send().await.refused(400, "UNKNOWN_PARAMETER");
    assert!(!is_verified(&ann).await);

    let before = ann.rest().get("/api/users/me").await.expect(200);
    confirm(scanner.rest(), json!({"token": token})).await.expect(200);
    assert!(is_verified(&ann).await);
    let after = ann.rest().get("/api/users/me").await.expect(200);
    assert_ne!(before.header("etag"), after.header("etag"));
    confirm(scanner.rest(), json!({"token": token})).await.refused(401, "EMAIL_CODE_INVALID");
    let request = ConfirmEmailRequest { token: token.to_owned(), ..Default::default() };
    let answer = scanner.grpc().emails().confirm_email(request).await;
    refused(answer, Code::Unauthenticated, "EMAIL_CODE_INVALID");
    let kinds = stack.databases.auth.rows("SELECT kind FROM audit_events ORDER BY 1", &[]).await;
    let kinds: Vec<String> = kinds.iter().map(|row| row.get(0)).collect();
    assert!(kinds.contains(&"email.verified".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn a_code_is_good_for_five_tries_at_one_address() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let rest = Person::stranger(&stack).rest().clone();
    let letter = stack.letter(&ann.email, "email_verification").await;
    let code = letter.code();
    let with = |email: &str, code: &str| json!({"email": email, "code": code});
    for (email, code) in [(&*bob.email, &*code), ("nobody@example.com", &*code), (&*ann.email, "")]
    {
        confirm(&rest, with(email, code)).await.refused(401, "EMAIL_CODE_INVALID");
    }
    // One of ann's five tries is gone, and bob's are no fewer for it.
    for _ in 0..4 {
        let answer = confirm(&rest, with(&ann.email, &other_than(&code))).await;
        answer.refused(401, "EMAIL_CODE_INVALID");
    }
    confirm(&rest, with(&ann.email, &code)).await.refused(401, "EMAIL_CODE_INVALID");
    // Who guesses at codes does not keep the owner from the link.
    confirm(&rest, json!({"token": letter.token()})).await.expect(200);

    let code = stack.letter(&bob.email, "email_verification").await.code();
    let (one, other) = code.split_at(4);
    let spaced = format!(" {one} {other}");
    let request = ConfirmEmailRequest {
        email: "BOB@example.com".to_owned(),
        code: spaced,
        ..Default::default()
    };
    let done = bob.grpc().emails().confirm_email(request).await.unwrap().into_inner();
    assert_eq!(done.email, bob.email);
    assert!(is_verified(&bob).await);
    confirm(&rest, with(&bob.email, &code)).await.refused(401, "EMAIL_CODE_INVALID");
}

#[tokio::test]
async fn what_is_guessed_at_at_once_is_counted_all_the_same() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let code = other_than(&stack.letter(&ann.email, "email_verification").await.code());
    let tries = (0..20).map(|_| confirm(ann.rest(), json!({"email": ann.email, "code": code})));
    for answer in futures_util::future::join_all(tries).await {
        answer.refused(401, "EMAIL_CODE_INVALID");
    }
    let rows = stack.databases.auth.rows("SELECT tries FROM challenges", &[]).await;
    assert_eq!(rows[0].get::<_, i32>(0), 5);
}

#[tokio::test]
async fn letters_end_after_ten_minutes_and_hold_the_only_copy() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let letter = stack.letter(&ann.email, "email_verification").await;
    assert_eq!(letter.says["minutes"], 10);
    let (token, code) = (letter.token(), letter.code());
    let stored = stack.databases.auth.rows("SELECT challenges::text FROM challenges", &[]).await;
    let stored: String = stored[0].get(0);
    let in_hex = |text: &str| text.bytes().fold(String::new(), |hex, it| format!("{hex}{it:02x}"));
    for secret in [&token, &code] {
        assert!(!stored.contains(&**secret) && !stored.contains(&in_hex(secret)), "{stored}");
    }
    assert!(!stack.logs().contains(&token) && !stack.logs().contains(&code));
    let auth = &stack.databases.auth;
    let left = "SELECT FROM challenges WHERE expires_at <= created_at + interval '10 minutes'";
    assert_eq!(auth.rows(left, &[]).await.len(), 1);
    auth.execute("UPDATE challenges SET expires_at = now()", &[]).await;
    for body in [json!({"token": token}), json!({"email": ann.email, "code": code}), json!({})] {
        confirm(ann.rest(), body).await.refused(401, "EMAIL_CODE_INVALID");
    }
    assert!(!is_verified(&ann).await);
}

#[tokio::test]
async fn an_address_is_written_to_once_a_minute_and_five_times_an_hour() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let first = stack.letter(&ann.email, "email_verification").await;
    let refusal = ann.rest().post(REQUEST, json!({})).await.refused(429, "RATE_LIMITED");
    assert_eq!(refusal.header("retry-after"), "60");
    for _ in 0..4 {
        stack.after_a_minute().await;
        let request = RequestEmailVerificationRequest { user_id: "me".to_owned() };
        ann.grpc().emails().request_email_verification(request).await.unwrap();
    }
    assert_eq!(stack.letters(&ann.email).await.len(), 5);
    stack.after_a_minute().await;
    ann.rest().post(REQUEST, json!({})).await.refused(429, "RATE_LIMITED");
    // Of several at once one is written.
    let sql = "UPDATE challenges SET created_at = created_at - interval '1 hour'";
    stack.databases.auth.execute(sql, &[]).await;
    let at_once = (0..8).map(|_| ann.rest().post(REQUEST, json!({})));
    let answers = futures_util::future::join_all(at_once).await;
    assert_eq!(answers.iter().filter(|it| it.status == 204).count(), 1, "{answers:?}");

    // The last one counts.
    let last = stack.letter(&ann.email, "email_verification").await;
    confirm(ann.rest(), json!({"token": first.token()})).await.refused(401, "EMAIL_CODE_INVALID");
    confirm(ann.rest(), json!({"token": last.token()})).await.expect(200);
    ann.rest().post(REQUEST, json!({})).await.expect(204);
    assert_eq!(stack.letters(&ann.email).await.len(), 6, "what is proven needs no letter");
}

#[tokio::test]
async fn links_lead_where_the_operator_says_and_nowhere_else() {
    let builder = Stack::builder().set("auth", "MAINSTAY_PUBLIC_URL", "https://app.example/base/");
    let stack = builder.start().await;
    let stranger = Person::stranger(&stack);
    let body = json!({"email": "ann@example.com", "username": "ann", "password": PASSWORD});
    let forged = |path: &str, body: &Value| {
        let call = stranger.rest().call("POST", path).header("host", "evil.example").json(body);
        let call = call.header("x-forwarded-host", "evil.example").header("x-host", "evil.example");
        call.header("forwarded", "host=evil.example;proto=http").send()
    };
    forged("/api/users", &body).await.expect(201);
    forged("/api/password-resets", &json!({"email": "ann@example.com"})).await.expect(204);
    let letters = stack.letters("ann@example.com").await;
    let pages = ["verify-email", "reset-password"];
    assert_eq!(letters.len(), pages.len());
    for (letter, page) in letters.iter().zip(pages) {
        let begin = format!("https://app.example/base/{page}#token=");
        assert!(letter.text("link").starts_with(&begin), "{letter:?}");
        assert_eq!(letter.token().len(), 43, "256 bits");
    }
    // Pages go nowhere, whatever they are told.
    for page in pages {
        let path = format!("/{page}?redirect=https://evil.example&next=//evil.example");
        let page = stranger.rest().get(&path).await.expect(200);
        assert!(!page.text.contains("evil") && page.header("location").is_empty(), "{page:?}");
    }
}

#[tokio::test]
async fn an_address_changes_when_the_new_one_is_proven_and_the_old_one_is_told() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let reset = json!({"email": ann.email});
    ann.rest().post("/api/password-resets", reset).await.expect(204);
    let reset = stack.letter(&ann.email, "password_reset").await;
    let wanted = json!({"email": "Anna@example.com", "password": PASSWORD});
    ann.rest().post(CHANGE, wanted).await.expect(204);
    let me = async || ann.rest().get("/api/users/me").await.expect(200).text_at("/email");
    assert_eq!(me().await, ann.email, "not yet");
    let taken = json!({"email": bob.email, "password": PASSWORD});
    ann.rest().post(CHANGE, taken).await.refused(409, "EMAIL_TAKEN");
    let theirs = format!("/api/users/{}/change-email", bob.id);
    let wanted = json!({"email": "eve@example.com", "password": PASSWORD});
    ann.rest().post(&theirs, wanted).await.refused(403, "NOT_YOURS");

    let letter = stack.letter("anna@example.com", "email_change").await;
    confirm(Person::stranger(&stack).rest(), json!({"token": letter.token()})).await.expect(200);
    assert_eq!(me().await, "anna@example.com");
    assert!(is_verified(&ann).await);
    let told = stack.letter(&ann.email, "email_changed").await;
    assert_eq!(told.text("new_email"), "anna@example.com");
    // Letters to the old address are worth nothing any more.
    let body = json!({"token": reset.token(), "password": "another horse battery"});
    let answer = ann.rest().post("/api/password-resets/confirm", body).await;
    answer.refused(401, "EMAIL_CODE_INVALID");
    let verification = stack.letter(&ann.email, "email_verification").await.token();
    confirm(ann.rest(), json!({"token": verification})).await.refused(401, "EMAIL_CODE_INVALID");
    let with = |email: &str| json!({"email": email, "password": PASSWORD});
    let sign_in = async |email: &str| {
        Person::stranger(&stack).rest().post("/api/sessions", with(email)).await
    };
    sign_in(&ann.email).await.refused(401, "INVALID_CREDENTIALS");
    sign_in("anna@example.com").await.expect(201);
}

#[tokio::test]
async fn an_address_that_is_taken_meanwhile_is_not_taken_twice() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let wanted = json!({"email": "bob@example.com", "password": PASSWORD});
    ann.rest().post(CHANGE, wanted).await.expect(204);
    let letter = stack.letter("bob@example.com", "email_change").await;
    Person::user(&stack, "bob").await;
    let answer = confirm(ann.rest(), json!({"token": letter.token()})).await;
    answer.refused(409, "EMAIL_TAKEN");
    let me = ann.rest().get("/api/users/me").await.expect(200);
    assert_eq!(me.text_at("/email"), ann.email);
}

#[tokio::test]
async fn an_address_is_changed_by_who_knows_the_password_or_has_just_signed_in() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let change = async |email: &str, password: &str| {
        ann.rest().post(CHANGE, json!({"email": email, "password": password})).await
    };
    change("a@example.com", "wrong horse battery").await.refused(403, "CURRENT_PASSWORD_WRONG");
    change("b@example.com", "").await.expect(204);
    let sql = "UPDATE sessions SET authenticated_at = now() - interval '11 minutes'";
    stack.databases.auth.execute(sql, &[]).await;
    change("c@example.com", "").await.refused(403, "CURRENT_PASSWORD_REQUIRED");
    change("d@example.com", PASSWORD).await.expect(204);
    stack.databases.auth.execute("UPDATE users SET password_hash = ''", &[]).await;
    change("e@example.com", PASSWORD).await.refused(403, "FRESH_SIGN_IN_REQUIRED");
    let request = ChangeEmailRequest {
        user_id: "me".to_owned(),
        email: "f@example.com".to_owned(),
        ..Default::default()
    };
    let answer = ann.grpc().emails().change_email(request).await;
    refused(answer, Code::PermissionDenied, "FRESH_SIGN_IN_REQUIRED");
    // The last one counts.
    let before = stack.letter("b@example.com", "email_change").await.token();
    confirm(ann.rest(), json!({"token": before})).await.refused(401, "EMAIL_CODE_INVALID");
    stack.databases.auth.execute("UPDATE sessions SET ended_at = now()", &[]).await;
    change("g@example.com", PASSWORD).await.refused(401, "SESSION_ENDED");
}

#[tokio::test]
async fn changing_to_a_taken_address_tells_its_owner_where_nobody_may_learn_of_it() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let mut stack = stack;
    stack.auth.terminate();
    stack.auth.ended(std::time::Duration::from_secs(20)).await;
    stack.auth.set("MAINSTAY_SIGN_UP", "verified");
    stack.auth.start_again().await;
    let change = async |email: &str| ann.rest().post(CHANGE, json!({"email": email})).await;
    let (taken, free) = (change(&bob.email).await, change("free@example.com").await);
    assert_eq!((taken.status, &taken.text), (204, &free.text));
    assert_eq!(stack.letters(&bob.email).await.last().unwrap().kind, "already_signed_up");
    assert_eq!(stack.letters("free@example.com").await[0].kind, "email_change");
}
