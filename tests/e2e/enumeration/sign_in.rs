//! Signing in, with a wrong password or where none would do.

use super::*;

#[derive(Clone, Copy, Debug)]
enum With {
    Wrong,
    Right,
    /// It is refused before anything is looked at.
    None,
}

/// Every sign-in that is refused, for whatever reason.
const OTHERS: [(Whose, With); 11] = [
    (Whose::Known, With::Wrong),
    (Whose::Suspended, With::Wrong),
    (Whose::Suspended, With::Right),
    (Whose::Unverified, With::Wrong),
    (Whose::WithoutPassword, With::Wrong),
    (Whose::SecondFactor, With::Wrong),
    (Whose::Delayed, With::Wrong),
    (Whose::Delayed, With::Right),
    (Whose::Stopped, With::Right),
    (Whose::Waiting, With::Wrong),
    (Whose::Waiting, With::Right),
];

/// Those whose times are compared: each more makes all of them less exact.
const TIMED: [(Whose, With); 9] = [
    (Whose::Known, With::Wrong),
    (Whose::Suspended, With::Wrong),
    (Whose::Suspended, With::Right),
    (Whose::Unverified, With::Wrong),
    (Whose::WithoutPassword, With::Wrong),
    (Whose::SecondFactor, With::Wrong),
    (Whose::Delayed, With::Right),
    (Whose::Stopped, With::Right),
    (Whose::Waiting, With::Right),
];

async fn house() -> House {
    let house = House::new().await;
    // They have to wait for as long as the test lasts.
    for (whose, failures) in [(Whose::Delayed, 50), (Whose::Stopped, 100)] {
        sign_in(&house, (whose, With::Wrong)).await.refused(401, "INVALID_CREDENTIALS");
        let sql = format!("UPDATE sign_in_attempts SET failures = {failures} WHERE failures = 1");
        house.run(&sql).await;
    }
    let waiting = json!({
        "email": Whose::Waiting.email(), "username": "newcomer", "password": PASSWORD,
    });
    house.post("/api/users", waiting).await.expect(201);
    house
}

async fn sign_in(house: &House, (whose, with): (Whose, With)) -> Answer {
    let password = match with {
        With::Wrong => "wrong password 123",
        With::Right => PASSWORD,
        With::None => "",
    };
    let body = json!({"email": whose.email(), "password": password});
    house.post("/api/sessions", body).await
}

#[tokio::test]
async fn every_failed_sign_in_is_answered_with_the_same_bytes() {
    let house = house().await;
    let mut seen = Vec::new();
    for (whose, with) in [(Whose::Nobody, With::Wrong)].into_iter().chain(OTHERS) {
        let answer = sign_in(&house, (whose, with)).await.refused(401, "INVALID_CREDENTIALS");
        seen.push(told(&answer, whose));
    }
    assert_same_bytes(&seen);
}

async fn times_are_the_same(care: Care) {
    let house = house().await;
    let at_once = (Whose::Nobody, With::None);
    assert_same_times(
        care,
        async || house.run("DELETE FROM sign_in_attempts WHERE failures < 50").await,
        ((Whose::Nobody, With::Wrong), &TIMED, at_once),
        async |how| drop(sign_in(&house, how).await),
    )
    .await;
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
