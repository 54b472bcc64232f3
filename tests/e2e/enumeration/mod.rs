//! Nobody learns whether an account exists, or what state it is in: not from the
//! answer, and not from the time that it takes.

mod codes;
mod resets;
mod sign_in;
mod sign_up;

use std::{fmt::Debug, time::Duration};

use serde_json::{Value, json};
use tests::{
    Answer, PASSWORD, Person, Rest, Stack,
    timing::{Care, compare_each},
};
use tokio_postgres::Client;

use crate::factors::add_app;

const CARE: Care = Care { difference: Duration::from_millis(1), time: Duration::from_secs(30) };
const MORE_CARE: Care =
    Care { difference: Duration::from_micros(500), time: Duration::from_mins(15) };

/// Whose account it is about. There are such accounts where addresses are proven
/// first, because that was not always so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Nobody,
    Known,
    Suspended,
    /// Whose address is not proven.
    Unverified,
    WithoutPassword,
    SecondFactor,
    /// After so many failures that signing in has to wait.
    Delayed,
    /// After so many that nobody may.
    Stopped,
    /// Who has signed up and is yet to prove the address; there is no account.
    Waiting,
    /// The same with a letter that was written within the last minute.
    JustAsked,
}

/// A product where addresses are proven first, and accounts in every state.
struct House {
    stack: Stack,
    database: Client,
}

// === impl Whose ===

impl Whose {
    const ACCOUNTS: [Self; 7] = [
        Self::Known,
        Self::Suspended,
        Self::Unverified,
        Self::WithoutPassword,
        Self::SecondFactor,
        Self::Delayed,
        Self::Stopped,
    ];

    /// As long as anybody's, so that answers that repeat it are.
    fn name(self) -> String {
        format!("{:x<15}", format!("{self:?}").to_lowercase())
    }

    fn email(self) -> String {
        format!("{}@example.com", self.name())
    }
}

// === impl House ===

impl House {
    async fn new() -> Self {
        let mut stack = Stack::start().await;
        for whose in Whose::ACCOUNTS {
            match whose {
                Whose::SecondFactor => drop(add_app(person(&stack, whose).await.rest()).await),
                whose => drop(person(&stack, whose).await),
            }
        }
        stack.auth.terminate();
        stack.auth.ended(Duration::from_secs(20)).await;
        stack.auth.set("MAINSTAY_SIGN_UP", "verified");
        stack.auth.start_again().await;
        let house = Self { database: stack.databases.auth.connect().await, stack };
        let unverified = Whose::Unverified.name();
        house.run(&format!("UPDATE users SET email_verified = username <> '{unverified}'")).await;
        let (suspended, bare) = (Whose::Suspended.name(), Whose::WithoutPassword.name());
        house
            .run(&format!(
                "UPDATE users SET suspended_at = now() WHERE username = '{suspended}';
                 UPDATE users SET password_hash = '' WHERE username = '{bare}';
                 DELETE FROM letters; DELETE FROM challenges"
            ))
            .await;
        house
    }

    async fn run(&self, sql: &str) {
        self.database.batch_execute(sql).await.unwrap();
    }

    /// Asks something as a stranger whom nobody has seen before.
    async fn post(&self, path: &str, body: Value) -> Answer {
        Rest::new(self.stack.gateway.listen).post(path, body).await
    }
}

async fn person(stack: &Stack, whose: Whose) -> Person {
    Person::user(stack, &whose.name()).await
}

/// What an answer tells, but for what differs from one request to the next and the
/// address that was asked about.
fn told(answer: &Answer, whose: Whose) -> (u16, String, Vec<String>) {
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
    let mut headers: Vec<_> = headers.filter(|line| !line.starts_with("ratelimit: ")).collect();
    headers.sort();
    let body = answer.body_of_any_request().replace(&whose.name(), "");
    (answer.status, body, headers)
}

#[track_caller]
fn assert_same_bytes(seen: &[(u16, String, Vec<String>)]) {
    assert!(seen.iter().all(|it| *it == seen[0]), "{seen:#?}");
}

/// Asserts that nobody can tell others from the usual by the time, and that what is
/// refused at once would have been told from it.
async fn assert_same_times<C: Copy + Debug>(
    care: Care,
    before: impl AsyncFn(),
    (usual, others, at_once): (C, &[C], C),
    act: impl AsyncFn(C),
) {
    // The first calls make connections.
    for &other in others {
        before().await;
        act(other).await;
    }
    let others = [others, &[at_once]].concat();
    let compared = compare_each(care, before, (usual, &others), act).await;
    let (control, compared) = compared.split_last().unwrap();
    control.assert_different("what is refused at once");
    for (other, compared) in others.iter().zip(compared) {
        compared.assert_same(&format!("{other:?}"));
    }
}
