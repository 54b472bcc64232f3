//! Second factors, through the gateway with cookies and at the services with tokens.

mod guesses;
mod hostile;
mod passkeys;
mod recovery;
mod step_up;
mod totp;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tests::{
    Answer, PASSWORD, Person, Rest, Stack,
    authenticator::{Authenticator, totp},
};

/// The origin that passkeys of every stack belong to.
pub(crate) const ORIGIN: &str = tests::ISSUER;

pub(crate) const FACTORS: &str = "/api/users/me/factors";
pub(crate) const BEGIN: &str = "/api/sessions/passkey/begin";
pub(crate) const SECOND: &str = "/api/sessions/second-factor";
pub(crate) const AGAIN: &str = "/api/sessions/current/reauthenticate";

/// Adds an authenticator app, and returns its secret and the recovery codes.
pub(crate) async fn add_app(rest: &Rest) -> (String, Vec<String>) {
    let begun = rest.post(&format!("{FACTORS}/totp"), json!({})).await.expect(200);
    let secret = begun.text_at("/secret");
    let confirm = json!({"code": totp(&secret), "name": "Phone"});
    let added = rest.post(&format!("{FACTORS}/totp/confirm"), confirm).await.expect(200);
    let codes = added.body["recoveryCodes"].as_array().unwrap().iter();
    (secret, codes.map(|code| code.as_str().unwrap().to_owned()).collect())
}

/// Adds a passkey, and returns the key that holds it.
pub(crate) async fn add_passkey(rest: &Rest) -> Authenticator {
    let mut key = Authenticator::new(ORIGIN);
    let begun = rest.post(&format!("{FACTORS}/passkeys"), json!({})).await.expect(200);
    let made = json!({"name": "Key", "credential": key.create(&begun.body["options"])});
    rest.post(&format!("{FACTORS}/passkeys/confirm"), made).await.expect(200);
    key
}

/// Asks for a passkey, and answers with a key.
pub(crate) async fn show(rest: &Rest, key: &mut Authenticator) -> Value {
    let begun = rest.post(BEGIN, json!({})).await.expect(200);
    key.get(&begun.body["options"])
}

/// Shows the right password, and returns the challenge that comes of it.
pub(crate) async fn challenge(rest: &Rest, person: &Person) -> String {
    let credentials = json!({"email": person.email, "password": PASSWORD});
    let asked = rest.post("/api/sessions", credentials).await;
    asked.refused(401, "SECOND_FACTOR_REQUIRED").text_at("/challenge")
}

/// Lets the code of this moment be used again: the next one takes half a minute.
pub(crate) async fn forget_steps(stack: &Stack) {
    stack.databases.auth.execute("UPDATE factors SET last_step = 0", &[]).await;
}

/// Makes every proof of who somebody is an hour old, in the database and in tokens.
pub(crate) async fn age(stack: &Stack, rest: &Rest) {
    let sql = "UPDATE sessions SET authenticated_at = now() - interval '1 hour'";
    stack.databases.auth.execute(sql, &[]).await;
    refresh(rest).await;
}

pub(crate) async fn refresh(rest: &Rest) -> Answer {
    rest.post("/api/sessions/current/refresh", json!({})).await.expect(200)
}

/// What the access token in the cookie says.
pub(crate) fn claims(rest: &Rest) -> Value {
    claims_of(&rest.cookie("__Host-access").unwrap())
}

/// What a token says.
pub(crate) fn claims_of(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// How often something was written down about a person.
pub(crate) async fn noted(stack: &Stack, person: &Person, kind: &str) -> i64 {
    let sql = "SELECT count(*) FROM audit_events WHERE kind = $1 AND subject_id::text = $2";
    stack.databases.auth.rows(sql, &[&kind, &person.id]).await[0].get(0)
}

/// How many letters about second factors went to a person.
pub(crate) async fn letters(stack: &Stack, person: &Person) -> i64 {
    let sql = "SELECT count(*) FROM letters WHERE kind = 'factors_changed' AND recipient = $1";
    stack.databases.auth.rows(sql, &[&person.email]).await[0].get(0)
}
