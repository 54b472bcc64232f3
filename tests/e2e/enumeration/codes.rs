//! Codes that nobody was sent: whether a letter waits to be answered, and which, is
//! not told.

use super::*;

const EMAILS: &str = "/api/emails/confirm";
const RESETS: &str = "/api/password-resets/confirm";

/// What there is that a code could be for.
#[derive(Clone, Copy, Debug)]
enum Letter {
    /// Nothing was ever written.
    None,
    /// It waits to be answered.
    Waiting,
    /// A reset that was asked for where nobody has an account.
    ForNobody,
    Expired,
    Used,
    /// After five wrong codes.
    TriedOut,
    /// The answer is none: it is refused before anything is looked at.
    Badly,
}

const OF_EMAILS: [Letter; 4] = [Letter::Waiting, Letter::Expired, Letter::Used, Letter::TriedOut];
const OF_RESETS: [Letter; 5] =
    [Letter::Waiting, Letter::ForNobody, Letter::Expired, Letter::Used, Letter::TriedOut];

// === impl Letter ===

impl Letter {
    fn whose(self) -> Whose {
        match self {
            Self::None | Self::Badly => Whose::Nobody,
            Self::Waiting => Whose::Known,
            Self::ForNobody => Whose::Waiting,
            Self::Expired => Whose::Suspended,
            Self::Used => Whose::Unverified,
            Self::TriedOut => Whose::SecondFactor,
        }
    }
}

/// A product with letters of every kind for one purpose.
async fn house(path: &str) -> House {
    let house = House::new().await;
    for letter in OF_RESETS {
        let body = json!({"email": letter.whose().email()});
        house.post("/api/password-resets", body).await.expect(204);
    }
    if path == EMAILS {
        house.run("UPDATE challenges SET purpose = 'verify'").await;
    }
    let (expired, used) = (Letter::Expired.whose().email(), Letter::Used.whose().email());
    let tried_out = Letter::TriedOut.whose().email();
    house
        .run(&format!(
            "UPDATE challenges SET expires_at = now() + interval '1 day';
             UPDATE challenges SET expires_at = now() WHERE email = '{expired}';
             UPDATE challenges SET used_at = now() WHERE email = '{used}';
             UPDATE challenges SET tries = 5 WHERE email = '{tried_out}'"
        ))
        .await;
    house
}

async fn answer(house: &House, path: &str, letter: Letter) -> Answer {
    let email = letter.whose().email();
    let code = if matches!(letter, Letter::Badly) { "12345678901234567" } else { "12345678" };
    let body = match path {
        EMAILS => json!({"email": email, "code": code}),
        _ => json!({"email": email, "code": code, "password": "another horse battery"}),
    };
    house.post(path, body).await
}

/// Gives the letters that wait all their tries back.
async fn undo(house: &House) {
    house.run("UPDATE challenges SET tries = 0 WHERE tries BETWEEN 1 AND 4").await;
}

#[tokio::test]
async fn every_wrong_code_is_answered_with_the_same_bytes() {
    for (path, letters) in [(EMAILS, &OF_EMAILS[..]), (RESETS, &OF_RESETS[..])] {
        let house = house(path).await;
        let mut seen = Vec::new();
        for &letter in &[&[Letter::None], letters].concat() {
            let answer = answer(&house, path, letter).await.refused(401, "EMAIL_CODE_INVALID");
            seen.push(told(&answer, letter.whose()));
        }
        assert_same_bytes(&seen);
    }
}

async fn times_are_the_same(care: Care, path: &str, letters: &[Letter]) {
    let house = house(path).await;
    assert_same_times(
        care,
        async || undo(&house).await,
        (Letter::None, letters, Letter::Badly),
        async |letter| drop(answer(&house, path, letter).await),
    )
    .await;
}

#[tokio::test]
async fn every_wrong_code_for_an_address_takes_the_same_time() {
    times_are_the_same(CARE, EMAILS, &OF_EMAILS).await;
}

#[tokio::test]
async fn every_wrong_code_for_a_password_takes_the_same_time() {
    times_are_the_same(CARE, RESETS, &OF_RESETS).await;
}

#[tokio::test]
#[ignore = "takes minutes: for nightly runs"]
async fn every_wrong_code_takes_the_same_time_to_half_a_millisecond() {
    times_are_the_same(MORE_CARE, EMAILS, &OF_EMAILS).await;
    times_are_the_same(MORE_CARE, RESETS, &OF_RESETS).await;
}
