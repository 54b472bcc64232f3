//! Tokens that are ours, and all others.

mod forged;

use std::time::{Duration, Instant};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header, encode};
use proto::auth::v1::{Jwk, Refusal, TrustPhase, TrustedKey, WatchTrustResponse};
use serde_json::{Value, json};

use super::*;
use crate::trust::thumbprint;

const LONG: Duration = Duration::from_mins(1);

struct Signer {
    pair: Ed25519KeyPair,
    jwk: Jwk,
}

impl Signer {
    fn new() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let public = pair.public_key().as_ref();
        let jwk = Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(public),
            kid: thumbprint(public),
            alg: "EdDSA".to_owned(),
            r#use: "sig".to_owned(),
        };
        Self { pair, jwk }
    }

    fn header(&self) -> Value {
        json!({"typ": TYPE, "alg": "EdDSA", "kid": self.jwk.kid})
    }

    fn claims() -> Value {
        let now = Timestamp::now().as_second();
        json!({
            "iss": "us", "aud": AUDIENCE, "sub": Uuid::now_v7(), "sid": Uuid::now_v7(),
            "jti": Uuid::now_v7(), "iat": now, "nbf": now, "exp": now + 60, "roles": [],
        })
    }

    /// Signs any text as a header and any as claims: a library would not.
    fn sign_text(&self, header: &str, claims: &str) -> String {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let message = format!("{header}.{claims}");
        let signature = self.pair.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn sign(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let (mut header, mut claims) = (self.header(), Self::claims());
        change(&mut header, &mut claims);
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    fn good(&self) -> String {
        self.sign(|_, _| {})
    }
}

fn message(phase: TrustPhase, sequence: u32) -> WatchTrustResponse {
    WatchTrustResponse { phase: phase.into(), sequence, ..WatchTrustResponse::default() }
}

fn told(keys: &[&Signer]) -> Vec<TrustedKey> {
    keys.iter().map(|it| TrustedKey { key: Some(it.jwk.clone()), state: 2 }).collect()
}

fn trusting(keys: &[&Signer]) -> (Trust, Verifier) {
    let trust = Trust::new(LONG);
    let all = message(TrustPhase::SnapshotEnd, 0);
    trust.hear(&WatchTrustResponse { keys: told(keys), ..all }, Instant::now()).unwrap();
    (trust.clone(), Verifier::new("us", trust))
}

fn ended(id: Uuid) -> Vec<Refusal> {
    vec![Refusal { id: id.to_string(), until: None }]
}

#[tokio::test]
async fn a_good_token_is_believed_each_time() {
    let ours = Signer::new();
    let (_, verifier) = trusting(&[&ours]);
    let good = ours.good();
    assert_eq!(verifier.verify(&good).await.unwrap().iss, "us");
    verifier.verify(&good).await.unwrap();
    let now = Timestamp::now().as_second();
    let expired = ours.sign(|_, claims| claims["exp"] = (now - 6).into());
    assert_eq!(verifier.verify(&expired).await.unwrap_err(), Refused::Expired);
}

#[tokio::test]
async fn a_symmetric_signature_over_the_public_key_is_refused() {
    let ours = Signer::new();
    let (_, verifier) = trusting(&[&ours]);
    let raw = URL_SAFE_NO_PAD.decode(&ours.jwk.x).unwrap();
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        for secret in [&raw[..], ours.jwk.x.as_bytes(), b""] {
            let mut header = Header::new(algorithm);
            header.typ = Some(TYPE.to_owned());
            header.kid = Some(ours.jwk.kid.clone());
            let token = encode(&header, &Signer::claims(), &EncodingKey::from_secret(secret));
            let Ok(token) = token else { continue };
            assert_eq!(verifier.verify(&token).await.err(), Some(Refused::Invalid));
        }
    }
}

#[tokio::test]
async fn a_session_that_has_ended_is_refused_although_its_token_is_remembered() {
    let ours = Signer::new();
    let (trust, verifier) = trusting(&[&ours]);
    let (first, other) = (ours.good(), ours.good());
    let claims = verifier.verify(&first).await.unwrap();
    verifier.verify(&other).await.unwrap();
    let change = message(TrustPhase::Change, 1);
    let change = WatchTrustResponse { sessions: ended(claims.sid), ..change };
    trust.hear(&change, Instant::now()).unwrap();
    assert_eq!(verifier.verify(&first).await.unwrap_err(), Refused::Ended);
    verifier.verify(&other).await.unwrap();
}

#[tokio::test]
async fn a_suspended_user_is_refused_until_restored_and_so_is_who_acts_as_another() {
    let ours = Signer::new();
    let (trust, verifier) = trusting(&[&ours]);
    let actor = Uuid::now_v7();
    let plain = ours.good();
    let acting = ours.sign(|_, claims| claims["act"] = json!({"sub": actor}));
    let sub = verifier.verify(&plain).await.unwrap().sub;
    let mut users = ended(sub);
    users.extend(ended(actor));
    let change = WatchTrustResponse { users, ..message(TrustPhase::Change, 1) };
    trust.hear(&change, Instant::now()).unwrap();
    for token in [&plain, &acting] {
        assert_eq!(verifier.verify(token).await.unwrap_err(), Refused::Ended);
    }
    let restored_user_ids = vec![sub.to_string(), actor.to_string()];
    let change = WatchTrustResponse { restored_user_ids, ..message(TrustPhase::Change, 2) };
    trust.hear(&change, Instant::now()).unwrap();
    for token in [&plain, &acting] {
        verifier.verify(token).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_revoked_key_has_signed_is_refused_although_it_is_remembered() {
    let (old, new) = (Signer::new(), Signer::new());
    let (trust, verifier) = trusting(&[&old, &new]);
    let (by_old, by_new) = (old.good(), new.good());
    for token in [&by_old, &by_new] {
        verifier.verify(token).await.unwrap();
    }
    let change = WatchTrustResponse { keys: told(&[&new]), ..message(TrustPhase::Change, 1) };
    trust.hear(&change, Instant::now()).unwrap();
    assert_eq!(verifier.verify(&by_old).await.unwrap_err(), Refused::Invalid);
    verifier.verify(&by_new).await.unwrap();
    // A set that cannot be right does not replace one that is.
    let twice = WatchTrustResponse { keys: told(&[&old, &old]), ..message(TrustPhase::Change, 2) };
    trust.hear(&twice, Instant::now()).unwrap_err();
    verifier.verify(&by_new).await.unwrap();
    assert_eq!(verifier.verify(&by_old).await.unwrap_err(), Refused::Invalid);
}

/// The bound that the product promises, with room for a machine that is busy; the
/// figure itself is printed.
#[tokio::test]
async fn a_token_that_is_remembered_costs_far_less_than_verifying_it() {
    const TIMES: u32 = 20_000;
    let ours = Signer::new();
    let (trust, verifier) = trusting(&[&ours]);
    let sessions = (0..10_000).flat_map(|_| ended(Uuid::now_v7())).collect();
    let change = WatchTrustResponse { sessions, ..message(TrustPhase::Change, 1) };
    trust.hear(&change, Instant::now()).unwrap();
    let token = ours.good();
    verifier.verify(&token).await.unwrap();
    let started = Instant::now();
    for _ in 0..TIMES {
        verifier.verify(std::hint::black_box(&token)).await.unwrap();
    }
    let warm = started.elapsed() / TIMES;
    let started = Instant::now();
    for _ in 0..TIMES / 20 {
        verifier.verify_afresh(std::hint::black_box(&token)).await.unwrap();
    }
    let cold = started.elapsed() / (TIMES / 20);
    println!("a check costs {warm:?} on a warm cache and {cold:?} on a cold one");
    assert!(warm * 3 < cold, "{warm:?} against {cold:?}");
}
