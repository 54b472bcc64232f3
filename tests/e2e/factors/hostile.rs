//! Passkeys that are not what they should be.

use serde_json::{Value, json};
use tests::{Person, Rest, Stack, authenticator::Authenticator};

use super::{BEGIN, FACTORS, ORIGIN, add_passkey, noted, passkeys::FINISH, show};

type Change = fn(&mut Authenticator);

#[tokio::test]
async fn passkeys_of_other_sites_and_without_their_user_are_not_added() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let evil = "https://mainstay.test.evil.example";
    let changes: [(&str, Change); 3] = [
        ("a foreign origin", |key| key.origin = "https://evil.example".to_owned()),
        ("a foreign site", |key| key.rp_id = "evil.example".to_owned()),
        ("an unverified user", |key| key.verifies_user = false),
    ];
    let add = async |rest: &Rest, key: &mut Authenticator| {
        let begun = rest.post(&format!("{FACTORS}/passkeys"), json!({})).await.expect(200);
        let made = json!({"credential": key.create(&begun.body["options"])});
        (rest.post(&format!("{FACTORS}/passkeys/confirm"), made.clone()).await, made)
    };
    for (what, change) in changes {
        let mut key = Authenticator::new(ORIGIN);
        change(&mut key);
        let (answer, _) = add(ann.rest(), &mut key).await;
        assert_eq!(answer.body["code"], "PASSKEY_REFUSED", "{what}: {answer:?}");
    }
    let (answer, _) = add(ann.rest(), &mut Authenticator::new(evil)).await;
    answer.refused(409, "PASSKEY_REFUSED");
    let confirm = format!("{FACTORS}/passkeys/confirm");
    let nothing = json!({"credential": {}});
    ann.rest().post(&confirm, nothing).await.refused(409, "PASSKEY_REFUSED");

    // Twice, in another browser, or by somebody else.
    let mut key = Authenticator::new(ORIGIN);
    let (answer, made) = add(ann.rest(), &mut key).await;
    answer.expect(200);
    ann.rest().post(&confirm, made.clone()).await.refused(401, "FLOW_INVALID");
    let bob = Person::user(&stack, "bob").await;
    bob.rest().post(&confirm, made.clone()).await.refused(401, "FLOW_INVALID");
    let flow = ann.rest().cookie("__Host-flow").unwrap();
    bob.rest().set_cookie("__Host-flow", Some(&flow));
    bob.rest().post(&confirm, made).await.refused(401, "FLOW_INVALID");
    let (answer, _) = add(bob.rest(), &mut key).await;
    answer.refused(409, "PASSKEY_REFUSED");
}

/// Changes one letter somewhere in the middle of a text.
fn tampered(value: &Value) -> Value {
    let mut text = value.as_str().unwrap().to_owned().into_bytes();
    let middle = text.len() / 2;
    text[middle] = if text[middle] == b'A' { b'B' } else { b'A' };
    String::from_utf8(text).unwrap().into()
}

#[tokio::test]
async fn what_is_forged_signs_nobody_in() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let mut key = add_passkey(ann.rest()).await;
    let rest = Rest::new(stack.gateway.listen);
    let origin = key.origin.clone();
    let refused = async |what: &str, shown: Value| {
        let answer = rest.post(FINISH, json!({"passkey": shown})).await;
        assert_eq!(answer.body["code"], "PROOF_REFUSED", "{what}: {answer:?}");
        assert_eq!(rest.cookie("__Host-session"), None, "{what}");
    };
    for part in ["signature", "authenticatorData", "clientDataJSON", "userHandle"] {
        let mut shown = show(&rest, &mut key).await;
        shown["response"][part] = tampered(&shown["response"][part]);
        refused(part, shown).await;
    }
    let mut shown = show(&rest, &mut key).await;
    shown["response"]["userHandle"] = Value::Null;
    refused("nobody's", shown).await;
    let mut shown = show(&rest, &mut key).await;
    (shown["id"], shown["rawId"]) = (json!("AAAA"), json!("AAAA"));
    refused("an unknown key", shown).await;
    refused("nothing", show(&rest, &mut key).await["response"].clone()).await;
    key.origin = "https://evil.example".to_owned();
    refused("a foreign origin", show(&rest, &mut key).await).await;
    (key.origin, key.rp_id) = (origin, "evil.example".to_owned());
    refused("a foreign site", show(&rest, &mut key).await).await;
    (key.rp_id, key.verifies_user) = ("mainstay.test".to_owned(), false);
    refused("an unverified user", show(&rest, &mut key).await).await;
    key.verifies_user = true;
    let shown = show(&rest, &mut key).await;
    rest.post(FINISH, json!({"passkey": shown})).await.expect(200);
    assert!(noted(&stack, &ann, "factor.refused").await >= 6);
}

#[tokio::test]
async fn a_flow_is_over_once_it_was_answered() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let mut key = add_passkey(ann.rest()).await;
    let rest = Rest::new(stack.gateway.listen);
    let begun = rest.post(BEGIN, json!({})).await.expect(200);
    let shown = json!({"passkey": key.get(&begun.body["options"])});
    let elsewhere = Rest::new(stack.gateway.listen);
    elsewhere.post(FINISH, shown.clone()).await.refused(401, "FLOW_INVALID");
    rest.post(FINISH, shown.clone()).await.expect(200);
    rest.post(FINISH, shown).await.refused(401, "FLOW_INVALID");
    // An answer to another question.
    let other = key.get(&begun.body["options"]);
    rest.post(BEGIN, json!({})).await.expect(200);
    rest.post(FINISH, json!({"passkey": other})).await.refused(401, "PROOF_REFUSED");
    // A failure is the end of it, too.
    rest.post(FINISH, json!({"passkey": {}})).await.refused(401, "FLOW_INVALID");
}

#[tokio::test]
async fn a_key_that_counts_backwards_is_refused_and_noted() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let mut key = add_passkey(ann.rest()).await;
    let rest = Rest::new(stack.gateway.listen);
    key.counter = 10;
    let shown = show(&rest, &mut key).await;
    rest.post(FINISH, json!({"passkey": shown})).await.expect(200);
    // Once more with the same count, and with a lower one.
    for counter in [10, 4] {
        key.counter = counter;
        let shown = show(&rest, &mut key).await;
        rest.post(FINISH, json!({"passkey": shown})).await.refused(401, "PROOF_REFUSED");
    }
    assert_eq!(noted(&stack, &ann, "factor.counter_went_back").await, 2);
    key.counter = 11;
    let shown = show(&rest, &mut key).await;
    rest.post(FINISH, json!({"passkey": shown})).await.expect(200);
}
