//! Nobody learns whether an account exists, or what state it is in: not from the
//! answer, and not from the time that it takes.

use std::time::Duration;

use serde_json::json;
use tests::{
    PASSWORD, Person, Rest, Stack,
    timing::{Care, compare},
};
use tokio_postgres::Client;

const CARE: Care = Care { difference: Duration::from_millis(1), time: Duration::from_secs(20) };
const MORE_CARE: Care =
    Care { difference: Duration::from_micros(500), time: Duration::from_mins(5) };

/// Accounts in every state, and everything that a sign-in to one may look like.
struct Cases {
    stack: Stack,
    database: Client,
}

/// Whose account somebody tries to sign in to.
#[derive(Clone, Copy, Debug)]
enum Whose {
    Nobody,
    Known,
    Delayed,
    DelayedWithTheRightPassword,
    WithoutPassword,
}

// === impl Cases ===

impl Cases {
    async fn new() -> Self {
        let stack = Stack::start().await;
        for name in ["known", "delayed", "bare"] {
            Person::user(&stack, name).await;
        }
        let sql = "UPDATE users SET password_hash = '' WHERE username = 'bare'";
        assert_eq!(stack.databases.auth.execute(sql, &[]).await, 1);
        let cases = Self { database: stack.databases.auth.connect().await, stack };
        for _ in 0..5 {
            cases.sign_in(Whose::Delayed).await;
        }
        // It has to wait for as long as the test lasts.
        let sql = "UPDATE sign_in_attempts SET failures = 50";
        assert_eq!(cases.stack.databases.auth.execute(sql, &[]).await, 1);
        cases
    }

    /// Forgets the failures of all that are not meant to be delayed.
    async fn forget(&self) {
        let sql = "DELETE FROM sign_in_attempts WHERE failures < 50";
        self.database.execute(sql, &[]).await.unwrap();
    }

    async fn sign_in(&self, whose: Whose) -> tests::Answer {
        let (name, password) = match whose {
            Whose::Nobody => ("nobody", "wrong password 123"),
            Whose::Known => ("known", "wrong password 123"),
            Whose::Delayed => ("delayed", "wrong password 123"),
            Whose::DelayedWithTheRightPassword => ("delayed", PASSWORD),
            Whose::WithoutPassword => ("bare", "wrong password 123"),
        };
        let rest = Rest::new(self.stack.gateway.listen);
        let body = json!({"email": format!("{name}@example.com"), "password": password});
        rest.post("/api/sessions", body).await
    }
}

const OTHERS: [Whose; 4] =
    [Whose::Known, Whose::Delayed, Whose::DelayedWithTheRightPassword, Whose::WithoutPassword];

#[tokio::test]
async fn every_failed_sign_in_is_answered_with_the_same_bytes() {
    let cases = Cases::new().await;
    let mut seen = Vec::new();
    for whose in OTHERS.into_iter().chain([Whose::Nobody]) {
        let answer = cases.sign_in(whose).await.refused(401, "INVALID_CREDENTIALS");
        let mut headers = answer.headers.clone();
        for name in ["x-request-id", "date"] {
            headers.remove(name);
        }
        let mut headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .filter(|line| !line.starts_with("ratelimit: "))
            .collect();
        headers.sort();
        seen.push((answer.body_of_any_request(), headers));
    }
    assert!(seen.iter().all(|it| *it == seen[0]), "{seen:#?}");
}

async fn times_are_the_same(care: Care) {
    let cases = Cases::new().await;
    // The first calls make connections.
    for whose in OTHERS {
        cases.sign_in(whose).await;
    }
    for whose in OTHERS {
        let compared = compare(
            care,
            async || cases.forget().await,
            async || drop(cases.sign_in(Whose::Nobody).await),
            async || drop(cases.sign_in(whose).await),
        );
        compared.await.assert_same(&format!("signing in to {whose:?}"));
    }
}

#[tokio::test]
async fn every_failed_sign_in_takes_the_same_time() {
    times_are_the_same(CARE).await;
}

#[tokio::test]
#[ignore = "takes minutes: for nightly runs"]
async fn every_failed_sign_in_takes_the_same_time_to_half_a_millisecond() {
    times_are_the_same(MORE_CARE).await;
}

/// A difference that is there is found by the same means: a request that is not
/// even looked at is answered sooner.
#[tokio::test]
async fn a_difference_would_be_seen() {
    let cases = Cases::new().await;
    let rest = Rest::new(cases.stack.gateway.listen);
    let malformed = async || {
        let body = json!({"email": "nobody@example.com", "password": ""});
        rest.post("/api/sessions", body).await.refused(422, "INVALID_FIELDS");
    };
    let hashing = async || drop(cases.sign_in(Whose::Nobody).await);
    let compared = compare(CARE, async || cases.forget().await, hashing, malformed).await;
    compared.assert_different("not hashing at all");
}
