//! Signing up where addresses are proven first.

use super::*;

#[derive(Clone, Copy, Debug)]
enum Asked {
    About(Whose),
    /// With a password that nobody may have.
    Badly,
}

/// Whose address somebody signs up with, who is not its owner.
const OTHERS: [Whose; 5] =
    [Whose::Known, Whose::Suspended, Whose::Unverified, Whose::Waiting, Whose::JustAsked];

/// Those whose times are compared: each more makes all of them less exact.
const TIMED: [Whose; 4] = [Whose::Known, Whose::Suspended, Whose::Waiting, Whose::JustAsked];

async fn house() -> House {
    let house = House::new().await;
    for whose in [Whose::Waiting, Whose::JustAsked] {
        sign_up(&house, Asked::About(whose)).await.expect(201);
    }
    let sql = "UPDATE challenges SET expires_at = now() + interval '1 day'";
    house.run(sql).await;
    house
}

async fn sign_up(house: &House, asked: Asked) -> Answer {
    let (whose, password) = match asked {
        Asked::About(whose) => (whose, PASSWORD),
        Asked::Badly => (Whose::Nobody, "short"),
    };
    let body = json!({"email": whose.email(), "username": "newcomer", "password": password});
    house.post("/api/users", body).await
}

/// Undoes what signing up has written.
async fn undo(house: &House) {
    let (waiting, just) = (Whose::Waiting.email(), Whose::JustAsked.email());
    let sql = format!(
        "DELETE FROM challenges WHERE created_at > now() - interval '1 minute'
             AND email <> '{just}' AND (email <> '{waiting}' OR expires_at < now() + interval '1 hour');
         UPDATE challenges SET created_at = now() WHERE email = '{just}';
         UPDATE challenges SET created_at = now() - interval '2 minutes' WHERE email = '{waiting}';
         DELETE FROM letters"
    );
    house.run(&sql).await;
}

async fn give_address(house: &House, from: Whose, to: Whose) {
    let (from, to) = (from.email(), to.email());
    let set = format!("SET email = '{to}' WHERE email = '{from}'");
    house.run(&format!("UPDATE users {set}; UPDATE challenges {set}")).await;
}

#[tokio::test]
async fn whoever_has_the_address_every_sign_up_is_answered_with_the_same_bytes() {
    let house = house().await;
    let mut seen = Vec::new();
    for whose in [Whose::Nobody].into_iter().chain(OTHERS) {
        undo(&house).await;
        // It is the same address each time, because the answer repeats it.
        give_address(&house, whose, Whose::Nobody).await;
        let answer = sign_up(&house, Asked::About(Whose::Nobody)).await.expect(201);
        give_address(&house, Whose::Nobody, whose).await;
        seen.push(told(&answer, Whose::Nobody));
    }
    assert_same_bytes(&seen);
}

async fn times_are_the_same(care: Care) {
    let house = house().await;
    assert_same_times(
        care,
        async || undo(&house).await,
        (Asked::About(Whose::Nobody), &TIMED.map(Asked::About), Asked::Badly),
        async |asked| drop(sign_up(&house, asked).await),
    )
    .await;
}

#[tokio::test]
async fn whoever_has_the_address_every_sign_up_takes_the_same_time() {
    times_are_the_same(CARE).await;
}

#[tokio::test]
#[ignore = "takes minutes: for nightly runs"]
async fn whoever_has_the_address_every_sign_up_takes_the_same_time_to_half_a_millisecond() {
    times_are_the_same(MORE_CARE).await;
}
