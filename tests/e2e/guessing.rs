//! Guessing passwords: useless for whoever guesses, and harmless for whom they
//! guess at.

use futures_util::future::join_all;
use serde_json::json;
use tests::{Answer, PASSWORD, Person, Rest, Stack};

const SESSIONS: &str = "/api/sessions";
const WRONG: &str = "wrong password";

async fn try_as(rest: &Rest, email: &str, password: &str) -> Answer {
    rest.post(SESSIONS, json!({"email": email, "password": password})).await
}

/// Tries a password from a device that nobody knows.
async fn guess(stack: &Stack, email: &str, password: &str) -> Answer {
    try_as(&Rest::new(stack.gateway.listen), email, password).await
}

async fn wrong_times(stack: &Stack, email: &str, times: usize) {
    for _ in 0..times {
        guess(stack, email, WRONG).await.refused(401, "INVALID_CREDENTIALS");
    }
}

/// The counts there are, the lowest first.
async fn counts(stack: &Stack) -> Vec<i32> {
    let sql = "SELECT failures FROM sign_in_attempts ORDER BY failures";
    stack.databases.auth.rows(sql, &[]).await.iter().map(|row| row.get(0)).collect()
}

/// Makes it so that so many sign-ins have failed, the last one so many seconds ago.
async fn failed(stack: &Stack, failures: i32, seconds_ago: f64) {
    let sql = "UPDATE sign_in_attempts \
               SET failures = $1, tried_at = now() - make_interval(secs => $2)";
    assert_eq!(stack.databases.auth.execute(sql, &[&failures, &seconds_ago]).await, 1);
}

#[tokio::test]
async fn after_five_failures_even_the_right_password_has_to_wait_and_nobody_can_tell() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    wrong_times(&stack, &ann.email, 4).await;
    guess(&stack, &ann.email, PASSWORD).await.expect(201);
    assert_eq!(counts(&stack).await, [0; 0], "a success forgets the failures before it");

    wrong_times(&stack, &ann.email, 5).await;
    failed(&stack, 20, 0.0).await;
    let right = guess(&stack, &ann.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    let wrong = guess(&stack, &ann.email, WRONG).await.refused(401, "INVALID_CREDENTIALS");
    assert_eq!(right.body_of_any_request(), wrong.body_of_any_request());
    assert_eq!(counts(&stack).await, [20], "what comes too early does not count");
    let events = "SELECT FROM audit_events WHERE kind = 'sign_in.delayed'";
    assert_eq!(stack.databases.auth.rows(events, &[]).await.len(), 1);
}

#[tokio::test]
async fn the_wait_doubles_and_has_an_end() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for (failures, too_early, in_time) in [
        (4, None, 0.0),
        (5, None, 1.0),
        (10, Some(20.0), 32.0),
        (12, Some(110.0), 128.0),
        (15, Some(850.0), 900.0),
        (99, Some(850.0), 900.0),
    ] {
        wrong_times(&stack, &ann.email, 1).await;
        if let Some(seconds) = too_early {
            failed(&stack, failures, seconds).await;
            guess(&stack, &ann.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
        }
        failed(&stack, failures, in_time).await;
        guess(&stack, &ann.email, PASSWORD).await.expect(201);
    }
    // Twelve quiet hours end the row of failures.
    wrong_times(&stack, &ann.email, 1).await;
    failed(&stack, 99, 43_201.0).await;
    wrong_times(&stack, &ann.email, 1).await;
    assert_eq!(counts(&stack).await, [1]);
}

#[tokio::test]
async fn after_a_hundred_failures_only_known_devices_are_let_in() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    wrong_times(&stack, &ann.email, 1).await;
    failed(&stack, 99, 1_000.0).await;
    wrong_times(&stack, &ann.email, 1).await;
    assert_eq!(counts(&stack).await, [100]);
    let events = "SELECT FROM audit_events WHERE kind = 'sign_in.stopped'";
    assert_eq!(stack.databases.auth.rows(events, &[]).await.len(), 1);
    failed(&stack, 100, 1_000_000.0).await;
    guess(&stack, &ann.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    try_as(ann.rest(), &ann.email, PASSWORD).await.expect(201);
    assert_eq!(counts(&stack).await, [100], "and it is not over yet");
}

#[tokio::test]
async fn strangers_cannot_lock_anybody_out_of_a_known_device() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    wrong_times(&stack, &ann.email, 5).await;
    failed(&stack, 50, 0.0).await;
    for _ in 0..3 {
        try_as(ann.rest(), &ann.email, PASSWORD).await.expect(201);
    }
    assert_eq!(counts(&stack).await, [50], "who guesses still has to wait");
    guess(&stack, &ann.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");

    // A thief of the device has as few guesses as anybody, and takes none from others.
    let bob = Person::user(&stack, "bob").await;
    for _ in 0..6 {
        try_as(bob.rest(), &bob.email, WRONG).await.refused(401, "INVALID_CREDENTIALS");
    }
    assert!(counts(&stack).await.iter().any(|it| [5, 6].contains(it)), "a count of its own");
    guess(&stack, &bob.email, PASSWORD).await.expect(201);
    // The device of one is a stranger to the account of another.
    try_as(bob.rest(), &ann.email, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn addresses_without_an_account_are_counted_alike() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for email in [ann.email.as_str(), "nobody@example.com"] {
        wrong_times(&stack, email, 3).await;
        wrong_times(&stack, &email.to_uppercase(), 1).await;
    }
    assert_eq!(counts(&stack).await, [4, 4]);
    let text = stack.databases.auth.rows("SELECT t::text FROM sign_in_attempts t", &[]).await;
    let text: Vec<String> = text.iter().map(|row| row.get(0)).collect();
    assert!(!text.concat().contains("nobody"), "{text:?}");
}

#[tokio::test]
async fn many_guesses_at_once_do_not_outrun_the_count() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let guesses: Vec<_> = (0..30).map(|number| format!("guess number {number}")).collect();
    let answers = guesses.iter().map(|password| guess(&stack, &ann.email, password));
    let answers = join_all(answers).await;
    assert!(answers.iter().all(|answer| [401, 429].contains(&answer.status)), "{answers:?}");
    // Five at once, and one after each wait that has passed meanwhile.
    let let_in = counts(&stack).await;
    assert!((5..=9).contains(&let_in[0]), "{let_in:?}");
}

#[tokio::test]
async fn signing_in_on_many_devices_at_once_is_no_guessing() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let answers = join_all((0..20).map(|_| guess(&stack, &ann.email, PASSWORD))).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    assert_eq!(counts(&stack).await, [0; 0]);
}

/// A product that lets fifteen guesses through, and clients all over the world.
async fn guarded() -> Stack {
    Stack::builder()
        .set("auth", "MAINSTAY_STUFFING_LIMIT", "15")
        .set("gateway", "MAINSTAY_TRUSTED_PROXIES", "loopback")
        .start()
        .await
}

async fn guess_from(stack: &Stack, address: &str, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    let call = Rest::new(stack.gateway.listen).call("POST", SESSIONS);
    call.header("x-forwarded-for", address).json(&body).send().await
}

#[tokio::test]
async fn lists_of_passwords_are_stopped_at_the_network_they_come_from() {
    let stack = guarded().await;
    let ann = Person::user(&stack, "ann").await;
    let refused = |answer: Answer| answer.refused(401, "INVALID_CREDENTIALS");
    let network = |host: usize| format!("2001:db8:1:2::{host:x}");
    for number in 0..15 {
        // The same guess again is the same guess.
        for _ in 0..2 {
            let email = format!("victim{number}@example.com");
            refused(guess_from(&stack, &network(number), &email, "Passw0rd2026").await);
        }
    }
    for (email, password) in [("victim99@example.com", WRONG), (&ann.email, PASSWORD)] {
        let answer = guess_from(&stack, &network(99), email, password).await;
        let answer = answer.refused(429, "RATE_LIMITED");
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((10_000..=10_800).contains(&wait), "{wait}");
    }
    let events = "SELECT FROM audit_events WHERE kind = 'sign_in.network_refused'";
    assert_eq!(stack.databases.auth.rows(events, &[]).await.len(), 1);
    guess_from(&stack, "2001:db8:1:3::1", &ann.email, PASSWORD).await.expect(201);

    // A known device goes on, from wherever it is.
    let body = json!({"email": ann.email, "password": PASSWORD});
    let call = ann.rest().call("POST", SESSIONS).header("x-forwarded-for", &network(1));
    call.json(&body).send().await.expect(201);
    let sql = "UPDATE sign_in_guesses SET guessed_at = guessed_at - interval '3 hours'";
    assert_eq!(stack.databases.auth.execute(sql, &[]).await, 15);
    guess_from(&stack, &network(99), &ann.email, PASSWORD).await.expect(201);
}

#[tokio::test]
async fn signing_in_well_uses_up_no_guesses() {
    let stack = guarded().await;
    let ann = Person::user(&stack, "ann").await;
    for number in 0..20 {
        let address = format!("192.0.2.{}", 1 + number % 2);
        guess_from(&stack, &address, &ann.email, PASSWORD).await.expect(201);
    }
    let guesses = stack.databases.auth.rows("SELECT FROM sign_in_guesses", &[]).await;
    assert_eq!(guesses.len(), 0);
}

#[tokio::test]
async fn what_is_over_is_cleaned_up() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let auth = &stack.databases.auth;
    let old = "INSERT INTO sign_in_attempts \
               SELECT sha256(n::text::bytea), CASE WHEN n = 1 THEN 100 ELSE 7 END, \
                      now() - interval '13 hours', TRUE \
               FROM generate_series(1, 30) AS n";
    assert_eq!(auth.execute(old, &[]).await, 30);
    let old = "INSERT INTO sign_in_guesses \
               SELECT sha256('a'), sha256(n::text::bytea), now() - interval '4 hours' \
               FROM generate_series(1, 30) AS n";
    assert_eq!(auth.execute(old, &[]).await, 30);
    for _ in 0..2 {
        guess(&stack, &ann.email, PASSWORD).await.expect(201);
    }
    assert_eq!(counts(&stack).await, [100], "but those who must choose a new password");
    assert_eq!(auth.rows("SELECT FROM sign_in_guesses", &[]).await.len(), 0);
}
