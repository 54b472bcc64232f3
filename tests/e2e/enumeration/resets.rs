//! Asking for a letter with which a new password is chosen.

use super::*;

#[derive(Clone, Copy, Debug)]
enum Asked {
    About(Whose),
    /// About nothing.
    Badly,
}

/// Whose address somebody asks with. The last one got a letter a moment ago.
const OTHERS: [Whose; 5] = [
    Whose::Known,
    Whose::Suspended,
    Whose::Unverified,
    Whose::WithoutPassword,
    // Here: somebody with an account.
    Whose::SecondFactor,
];

async fn ask(house: &House, asked: Asked) -> Answer {
    let email = match asked {
        Asked::About(whose) => whose.email(),
        Asked::Badly => String::new(),
    };
    house.post("/api/password-resets", json!({"email": email})).await
}

/// Undoes what asking has written, but for one letter that was just written.
async fn undo(house: &House) {
    let just = Whose::SecondFactor.email();
    let sql = format!(
        "DELETE FROM challenges WHERE email <> '{just}';
         UPDATE challenges SET created_at = now();
         DELETE FROM letters"
    );
    house.run(&sql).await;
}

async fn house() -> House {
    let house = House::new().await;
    ask(&house, Asked::About(Whose::SecondFactor)).await.expect(204);
    house
}

#[tokio::test]
async fn whoever_asks_for_a_reset_is_answered_with_the_same_bytes() {
    let house = house().await;
    let mut seen = Vec::new();
    for whose in [Whose::Nobody].into_iter().chain(OTHERS) {
        undo(&house).await;
        let answer = ask(&house, Asked::About(whose)).await.expect(204);
        seen.push(told(&answer, whose));
    }
    assert_same_bytes(&seen);
}

async fn times_are_the_same(care: Care) {
    let house = house().await;
    assert_same_times(
        care,
        async || undo(&house).await,
        (Asked::About(Whose::Nobody), &OTHERS.map(Asked::About), Asked::Badly),
        async |asked| drop(ask(&house, asked).await),
    )
    .await;
}

#[tokio::test]
async fn whoever_asks_for_a_reset_waits_the_same_time() {
    times_are_the_same(CARE).await;
}

#[tokio::test]
#[ignore = "takes minutes: for nightly runs"]
async fn whoever_asks_for_a_reset_waits_the_same_time_to_half_a_millisecond() {
    times_are_the_same(MORE_CARE).await;
}
