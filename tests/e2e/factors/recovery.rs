//! Recovery codes.

use serde_json::json;
use tests::{Person, Rest, Stack};

use super::{FACTORS, SECOND, add_app, challenge, claims, letters, noted};

const CODES: &str = "/api/users/me/recovery-codes";

#[tokio::test]
async fn a_recovery_code_stands_in_once() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (_, codes) = add_app(ann.rest()).await;
    let rest = Rest::new(stack.gateway.listen);
    let typed = codes[3].to_lowercase().replace('-', " ");
    let shown = json!({"challenge": challenge(&rest, &ann).await, "recoveryCode": typed});
    rest.post(SECOND, shown).await.expect(200);
    assert_eq!(claims(&rest)["amr"], json!(["pwd", "recovery", "mfa"]));
    assert_eq!(noted(&stack, &ann, "recovery_codes.used").await, 1);
    assert_eq!(letters(&stack, &ann).await, 2, "the app, and the code that was used");
    assert_eq!(rest.get(FACTORS).await.expect(200).body["recoveryCodesLeft"], 9);

    let again = json!({"challenge": challenge(&rest, &ann).await, "recoveryCode": codes[3]});
    rest.post(SECOND, again).await.refused(401, "PROOF_REFUSED");
    let stored = stack.databases.auth.rows("SELECT code_hash::text FROM recovery_codes", &[]).await;
    assert_eq!(stored.len(), 10);
    assert!(stored.iter().all(|row| row.get::<_, String>(0).len() == 66), "hashes only");
}

#[tokio::test]
async fn new_codes_put_an_end_to_the_old_ones() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    bob.rest().post(CODES, json!({})).await.refused(409, "FACTOR_REQUIRED");
    let (_, old) = add_app(ann.rest()).await;
    add_app(bob.rest()).await;
    let new = ann.rest().post(CODES, json!({})).await.expect(200);
    let new = new.text_at("/recoveryCodes/0");
    let rest = Rest::new(stack.gateway.listen);
    let shown = |challenge: &str, code: &str| json!({"challenge": challenge, "recoveryCode": code});
    let theirs = challenge(&rest, &bob).await;
    rest.post(SECOND, shown(&theirs, &new)).await.refused(401, "PROOF_REFUSED");
    let challenge = challenge(&rest, &ann).await;
    rest.post(SECOND, shown(&challenge, &old[0])).await.refused(401, "PROOF_REFUSED");
    rest.post(SECOND, shown(&challenge, &new)).await.expect(200);
    assert_eq!(noted(&stack, &ann, "recovery_codes.made").await, 2);
}
