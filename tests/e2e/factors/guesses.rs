//! Whoever has a password and guesses codes.

use futures_util::future::join_all;
use proto::auth::v1::VerifySecondFactorRequest;
use serde_json::json;
use tests::{Person, Rest, Stack, authenticator::totp, reason};

use super::{SECOND, add_app, challenge, forget_steps, noted};

fn shown(challenge: &str, code: &str) -> VerifySecondFactorRequest {
    let (challenge, code) = (challenge.to_owned(), Some(code.to_owned()));
    VerifySecondFactorRequest { challenge, code, ..Default::default() }
}

/// Six digits that are not one of now.
fn wrong(secret: &str) -> String {
    let number: u32 = totp(secret).parse().unwrap();
    format!("{:06}", (number + 500_000) % 1_000_000)
}

#[tokio::test]
async fn of_two_who_show_the_same_code_one_wins() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (secret, _) = add_app(ann.rest()).await;
    for _ in 0..5 {
        forget_steps(&stack).await;
        let rest = Rest::new(stack.gateway.listen);
        let challenges = [challenge(&rest, &ann).await, challenge(&rest, &ann).await];
        let code = totp(&secret);
        let tries = challenges.iter().map(async |challenge| {
            let mut sign_in = Person::stranger(&stack).grpc().sign_in();
            sign_in.verify_second_factor(shown(challenge, &code)).await
        });
        let outcomes = join_all(tries).await;
        let reasons: Vec<_> =
            outcomes.iter().filter_map(|it| it.as_ref().err()).map(reason).collect();
        assert_eq!(reasons, ["PROOF_REFUSED"], "exactly one signs in");
    }
}

#[tokio::test]
async fn five_wrong_codes_are_looked_at_and_no_more() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (secret, codes) = add_app(ann.rest()).await;
    forget_steps(&stack).await;
    let rest = Rest::new(stack.gateway.listen);
    let asked = challenge(&rest, &ann).await;
    let code = wrong(&secret);
    let tries = (0..12).map(async |_| {
        let mut sign_in = Person::stranger(&stack).grpc().sign_in();
        sign_in.verify_second_factor(shown(&asked, &code)).await
    });
    let reasons = join_all(tries).await.into_iter().map(|it| reason(&it.unwrap_err()));
    let (looked_at, late): (Vec<_>, Vec<_>) = reasons.partition(|it| it == "PROOF_REFUSED");
    assert_eq!(looked_at.len(), 5, "however many come at once");
    assert!(late.iter().all(|it| it == "TOO_MANY_WRONG_CODES"), "{late:?}");
    assert_eq!(noted(&stack, &ann, "factor.refused").await, 5);

    let right = json!({"challenge": asked, "code": totp(&secret)});
    let late = rest.post(SECOND, right.clone()).await.refused(429, "TOO_MANY_WRONG_CODES");
    let wait: u32 = late.header("retry-after").parse().unwrap();
    assert!((800..=900).contains(&wait), "{wait}");
    // Who has another factor is not kept out.
    let recovery = json!({"challenge": challenge(&rest, &ann).await, "recoveryCode": codes[0]});
    rest.post(SECOND, recovery).await.expect(200);

    let sql = "UPDATE factors SET wrong_since = now() - interval '15 minutes'";
    stack.databases.auth.execute(sql, &[]).await;
    rest.post(SECOND, right).await.expect(200);
}
