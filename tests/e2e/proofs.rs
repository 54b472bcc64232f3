//! Guessing the password of a session that is somebody else's: useless for whoever
//! has it, and harmless for its owner.

use futures_util::future::join_all;
use proto::auth::v1::{ChangeEmailRequest, ChangePasswordRequest, ReauthenticateRequest};
use serde_json::json;
use tests::{Answer, PASSWORD, Person, Rest, Stack, refused};
use tonic::Code;

const WRONG: &str = "wrong password";
const OTHER: &str = "another horse battery";
const AGAIN: &str = "/api/sessions/current/reauthenticate";
/// Everything that a password is shown to by who is signed in.
const PROOFS: [&str; 3] = [AGAIN, "/api/users/me/change-password", "/api/users/me/change-email"];

/// Shows a password where it is asked for.
async fn prove(rest: &Rest, path: &str, password: &str) -> Answer {
    let body = match path {
        AGAIN => json!({"password": password}),
        path if path.ends_with("password") => {
            json!({"currentPassword": password, "password": OTHER})
        }
        _ => json!({"email": "other@example.com", "password": password}),
    };
    rest.post(path, body).await
}

/// Asserts that a password was wrong, or came too early.
fn wrong(path: &str, answer: Answer) -> Answer {
    match path {
        AGAIN => answer.refused(401, "INVALID_CREDENTIALS"),
        _ => answer.refused(403, "CURRENT_PASSWORD_WRONG"),
    }
}

/// The counts there are, the lowest first.
async fn counts(stack: &Stack) -> Vec<i32> {
    let sql = "SELECT failures FROM sign_in_attempts ORDER BY failures";
    stack.databases.auth.rows(sql, &[]).await.iter().map(|row| row.get(0)).collect()
}

/// Makes it so that so many were wrong, the last one so many seconds ago.
async fn failed(stack: &Stack, failures: i32, seconds_ago: f64) {
    let sql = "UPDATE sign_in_attempts \
               SET failures = $1, tried_at = now() - make_interval(secs => $2)";
    assert_eq!(stack.databases.auth.execute(sql, &[&failures, &seconds_ago]).await, 1);
}

async fn noted(stack: &Stack, kind: &str) -> usize {
    let sql = "SELECT FROM audit_events WHERE kind = $1";
    stack.databases.auth.rows(sql, &[&kind]).await.len()
}

async fn sign_in(stack: &Stack, person: &Person, password: &str) -> Answer {
    let credentials = json!({"email": person.email, "password": password});
    Person::stranger(stack).rest().post("/api/sessions", credentials).await
}

#[tokio::test]
async fn all_guesses_at_a_password_within_sessions_are_on_one_count() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for path in PROOFS {
        wrong(path, prove(ann.rest(), path, WRONG).await);
    }
    // And over gRPC, which is another session of the same account.
    let request = ReauthenticateRequest { password: Some(WRONG.to_owned()), ..Default::default() };
    let answer = ann.grpc().sign_in().reauthenticate(request).await;
    refused(answer, Code::Unauthenticated, "INVALID_CREDENTIALS");
    let request = ChangePasswordRequest {
        user_id: "me".to_owned(),
        current_password: WRONG.to_owned(),
        password: OTHER.to_owned(),
    };
    let answer = ann.grpc().passwords().change_password(request).await;
    refused(answer, Code::PermissionDenied, "CURRENT_PASSWORD_WRONG");
    assert_eq!((counts(&stack).await, noted(&stack, "proof.delayed").await), (vec![5], 1));

    // The right one has to wait, too, and nobody can tell.
    failed(&stack, 10, 20.0).await;
    for path in PROOFS {
        let right = wrong(path, prove(ann.rest(), path, PASSWORD).await);
        let guess = wrong(path, prove(ann.rest(), path, WRONG).await);
        assert_eq!(right.body_of_any_request(), guess.body_of_any_request());
    }
    let request = ChangeEmailRequest {
        user_id: "me".to_owned(),
        email: "other@example.com".to_owned(),
        password: PASSWORD.to_owned(),
    };
    let answer = ann.grpc().emails().change_email(request).await;
    refused(answer, Code::PermissionDenied, "CURRENT_PASSWORD_WRONG");
    assert_eq!(counts(&stack).await, [10], "what comes too early does not count");

    // In time it is as good as ever, wherever it is shown.
    for path in PROOFS {
        failed(&stack, 10, 32.0).await;
        let answer = prove(ann.rest(), path, PASSWORD).await;
        assert!(answer.status < 300, "{path}: {answer:?}");
        assert_eq!(counts(&stack).await, [0; 0], "{path}");
        let back = json!({"currentPassword": OTHER, "password": PASSWORD});
        if path.ends_with("password") {
            ann.rest().post(path, back).await.expect(204);
        }
        wrong(path, prove(ann.rest(), path, WRONG).await);
    }
}

#[tokio::test]
async fn guesses_within_a_session_and_guesses_at_signing_in_are_counted_apart() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for path in PROOFS {
        wrong(path, prove(ann.rest(), path, WRONG).await);
    }
    failed(&stack, 15, 0.0).await;
    sign_in(&stack, &ann, PASSWORD).await.expect(201);
    assert_eq!(counts(&stack).await, [15], "and signing in forgives nothing");
    stack.databases.auth.execute("DELETE FROM sign_in_attempts", &[]).await;

    sign_in(&stack, &ann, WRONG).await.refused(401, "INVALID_CREDENTIALS");
    failed(&stack, 100, 0.0).await;
    for path in [AGAIN, "/api/users/me/change-password"] {
        let answer = prove(ann.rest(), path, PASSWORD).await;
        assert!(answer.status < 300, "{path}: {answer:?}");
    }
    assert_eq!(counts(&stack).await, [100]);
}

#[tokio::test]
async fn the_twentieth_guess_ends_the_session_that_guesses_and_no_other() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (thief, elsewhere) = (ann.rest().copy(), ann.on_another_device(&stack).await);
    for (path, failures) in PROOFS.into_iter().zip([0, 17, 18]) {
        if failures > 0 {
            failed(&stack, failures, 1_000.0).await;
        }
        wrong(path, prove(&thief, path, WRONG).await);
    }
    // The twentieth may well be right, if it comes in time; too early it ends nothing.
    wrong(AGAIN, prove(&thief, AGAIN, WRONG).await);
    failed(&stack, 19, 1_000.0).await;
    prove(&thief, AGAIN, WRONG).await.refused(401, "SESSION_ENDED");
    assert_eq!(noted(&stack, "session.ended_for_guesses").await, 1);
    for path in PROOFS {
        prove(&ann.rest().copy(), path, PASSWORD).await.refused(401, "SESSION_ENDED");
    }
    let refresh = ann.rest().post("/api/sessions/current/refresh", json!({})).await;
    refresh.refused(401, "SESSION_ENDED");
    assert_eq!(counts(&stack).await, [0; 0], "the owner does not wait for what a thief did");
    prove(&elsewhere, "/api/users/me/change-password", PASSWORD).await.expect(204);
    sign_in(&stack, &ann, OTHER).await.expect(201);
}

#[tokio::test]
async fn guesses_at_once_do_not_outrun_the_count_or_the_end_of_the_session() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let guesses = |rest: Rest| {
        (0..24).map(move |number| {
            let rest = rest.clone();
            let path = PROOFS[number % 3];
            async move { prove(&rest, path, &format!("guess number {number}")).await }
        })
    };
    let answers = join_all(guesses(ann.rest().clone())).await;
    assert!(answers.iter().all(|it| [401, 403, 429].contains(&it.status)), "{answers:?}");
    // Five at once, and one after each wait that has passed meanwhile.
    let let_in = counts(&stack).await;
    assert!((5..=9).contains(&let_in[0]), "{let_in:?}");

    failed(&stack, 19, 1_000.0).await;
    let answers = join_all(guesses(ann.rest().clone())).await;
    let is_over = |answer: &Answer| answer.body["code"] == "SESSION_ENDED";
    assert!(answers.iter().all(is_over), "{answers:?}");
    assert_eq!(counts(&stack).await, [0; 0], "nothing is judged after the end");
}

#[tokio::test]
async fn proving_it_in_many_tabs_at_once_is_no_guessing() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let answers = join_all((0..12).map(|_| prove(ann.rest(), AGAIN, PASSWORD))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(counts(&stack).await, [0; 0]);
}

#[tokio::test]
async fn a_new_password_ends_the_wait_for_the_old_one() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    wrong(AGAIN, prove(ann.rest(), AGAIN, WRONG).await);
    failed(&stack, 19, 0.0).await;
    let stranger = Person::stranger(&stack);
    stranger.rest().post("/api/password-resets", json!({"email": ann.email})).await.expect(204);
    let token = stack.letter(&ann.email, "password_reset").await.token();
    let body = json!({"token": token, "password": OTHER});
    stranger.rest().post("/api/password-resets/confirm", body).await.expect(204);
    assert_eq!(counts(&stack).await, [0; 0]);
}
