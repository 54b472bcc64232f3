//! Tokens that are ours, and all others.

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
    key: EncodingKey,
    jwk: Jwk,
}

impl Signer {
    fn new() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
        let public = pair.public_key().as_ref();
        let jwk = Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(public),
            kid: thumbprint(public),
            alg: "EdDSA".to_owned(),
            r#use: "sig".to_owned(),
        };
        Self { pair, key, jwk }
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

/// What is wrong with a token is named, so that a failure tells.
fn forged(ours: &Signer) -> Vec<(&'static str, String)> {
    let now = Timestamp::now().as_second();
    let head = |name: &str, value: Value| ours.sign(|header, _| header[name] = value);
    let claim = |name: &str, value: Value| ours.sign(|_, claims| claims[name] = value);
    let without =
        |name: &str| ours.sign(|_, claims| drop(claims.as_object_mut().unwrap().remove(name)));
    let mut theirs = Signer::new();
    theirs.jwk.kid.clone_from(&ours.jwk.kid);
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": theirs.jwk.x});
    vec![
        ("a foreign key", theirs.good()),
        ("its own key", theirs.sign(|header, _| header["jwk"] = jwk)),
        (
            "our own key, carried along",
            head("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": ours.jwk.x})),
        ),
        ("a link to keys", head("jku", json!("https://example.com/keys"))),
        ("a link to certificates", head("x5u", json!("https://example.com/chain"))),
        ("certificates", head("x5c", json!(["AAAA"]))),
        ("a certificate's digest", head("x5t", json!("AAAA"))),
        ("a critical extension", head("crit", json!(["exp"]))),
        (
            "a payload that is not encoded",
            ours.sign(|header, _| {
                (header["crit"], header["b64"]) = (json!(["b64"]), json!(false));
            }),
        ),
        ("another type", head("typ", json!("JWT"))),
        ("no type", ours.sign(|header, _| drop(header.as_object_mut().unwrap().remove("typ")))),
        ("an unknown key", head("kid", json!("k2"))),
        ("a path as a key", head("kid", json!("../../dev/null"))),
        ("no key", ours.sign(|header, _| drop(header.as_object_mut().unwrap().remove("kid")))),
        ("no algorithm", head("alg", json!("none"))),
        ("no algorithm, in capitals", head("alg", json!("NONE"))),
        ("another algorithm", head("alg", json!("ES256"))),
        ("another issuer", claim("iss", json!("them"))),
        ("issuers", claim("iss", json!(["us", "them"]))),
        ("another audience", claim("aud", json!("other"))),
        ("a user that is none", claim("sub", json!("root"))),
        ("not yet", claim("nbf", json!(now + 60))),
        ("a time as text", claim("exp", json!("4000000000"))),
        ("no end", without("exp")),
        ("no beginning", without("nbf")),
        ("no session", without("sid")),
        ("no user", without("sub")),
        ("no issuer", without("iss")),
        ("no audience", without("aud")),
        ("too long", claim("pad", json!("x".repeat(MAX_BYTES)))),
    ]
}

/// Tokens whose text is not what a token's is.
fn misspelt(ours: &Signer) -> Vec<(&'static str, String)> {
    let good = ours.good();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let claims_twice = Signer::claims().to_string().replacen(
        '{',
        r#"{"sub":"00000000-0000-0000-0000-000000000000","#,
        1,
    );
    let header_twice = ours.header().to_string().replacen('{', r#"{"alg":"none","#, 1);
    // 64 bytes leave four bits of the last character without a meaning.
    let last = signature.chars().last().unwrap();
    let twin = if last == 'A' { 'B' } else { char::from(u8::try_from(last).unwrap() + 1) };
    let respelt = format!("{message}.{}{twin}", &signature[..signature.len() - 1]);
    vec![
        ("no signature", format!("{message}.")),
        ("two parts", message.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("detached", format!("{header}..{signature}")),
        ("bytes behind", format!("{good}AAAA")),
        ("a line behind", format!("{good}\n")),
        ("a blank in front", format!(" {good}")),
        ("padded", format!("{good}==")),
        ("the other alphabet", format!("{message}.{}", "+".repeat(86))),
        ("a second spelling", respelt),
        ("cut", good[..good.len() - 1].to_owned()),
        ("swapped parts", format!("{claims}.{header}.{signature}")),
        ("a claim twice", ours.sign_text(&ours.header().to_string(), &claims_twice)),
        ("a header twice", ours.sign_text(&header_twice, &Signer::claims().to_string())),
        ("JSON with more behind", ours.sign_text(&format!("{} x", ours.header()), "{}")),
        ("no object", ours.sign_text(&ours.header().to_string(), "[]")),
        ("JSON instead", json!({"payload": claims, "signatures": []}).to_string()),
        ("nothing in it", "a.b.c".to_owned()),
        ("dots", "..".to_owned()),
        ("nothing", String::new()),
        ("not even text", "\u{0}\u{fffd}".to_owned()),
    ]
}

#[tokio::test]
async fn forged_tokens_are_refused_whatever_is_wrong_with_them() {
    let ours = Signer::new();
    let (_, verifier) = trusting(&[&ours]);
    for (what, token) in forged(&ours).into_iter().chain(misspelt(&ours)) {
        assert_eq!(verifier.verify(&token).await.err(), Some(Refused::Invalid), "{what}: {token}");
    }
    verifier.verify(&ours.good()).await.unwrap();
}

#[tokio::test]
async fn every_bit_of_a_token_counts() {
    let ours = Signer::new();
    let (_, verifier) = trusting(&[&ours]);
    let good = ours.good();
    for place in 0..good.len() {
        for bit in 0..7 {
            let mut bytes = good.clone().into_bytes();
            bytes[place] ^= 1 << bit;
            let token = String::from_utf8(bytes).unwrap();
            assert_eq!(verifier.verify(&token).await.err(), Some(Refused::Invalid), "{token}");
        }
    }
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
