//! What is believed, and for how long.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proto::auth::v1::{Jwk, Refusal, TrustedKey};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

fn key() -> TrustedKey {
    let pair = Ed25519KeyPair::generate().unwrap();
    let public = pair.public_key().as_ref();
    let key = Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        x: URL_SAFE_NO_PAD.encode(public),
        kid: thumbprint(public),
        alg: "EdDSA".to_owned(),
        r#use: "sig".to_owned(),
    };
    TrustedKey { key: Some(key), state: 2 }
}

fn message(phase: TrustPhase, sequence: u32) -> WatchTrustResponse {
    WatchTrustResponse { phase: phase.into(), sequence, ..WatchTrustResponse::default() }
}

fn heard(at: Instant) -> Trust {
    let trust = Trust::new(LIMIT);
    let all = WatchTrustResponse { keys: vec![key()], ..message(TrustPhase::SnapshotEnd, 7) };
    trust.hear(&all, at).unwrap();
    trust
}

fn claims() -> Claims {
    let id = Uuid::now_v7();
    let claims = serde_json::json!({
        "iss": "", "aud": "", "sub": id, "sid": id, "jti": id, "iat": 0, "nbf": 0, "exp": 0, "roles": [],
    });
    serde_json::from_value(claims).unwrap()
}

#[test]
fn silence_is_believed_for_a_while_and_then_nobody_is_trusted() {
    let now = Instant::now();
    let ago = |seconds| now.checked_sub(Duration::from_secs(seconds)).unwrap();
    heard(ago(5)).check(&claims()).unwrap();
    let silent = heard(ago(11));
    assert_eq!(silent.check(&claims()).unwrap_err(), Refused::Unknowable);
    // An older sign of life changes nothing, a new one does.
    silent.hear(&message(TrustPhase::Heartbeat, 7), ago(12)).unwrap();
    silent.check(&claims()).unwrap_err();
    silent.hear(&message(TrustPhase::Heartbeat, 7), now).unwrap();
    silent.check(&claims()).unwrap();
    assert_eq!(Trust::new(LIMIT).check(&claims()).unwrap_err(), Refused::Unknowable);
}

#[test]
fn a_change_that_was_missed_is_noticed() {
    let trust = heard(Instant::now());
    for phase in [TrustPhase::Change, TrustPhase::Heartbeat, TrustPhase::Unspecified] {
        trust.hear(&message(phase, 9), Instant::now()).unwrap_err();
    }
    trust.hear(&message(TrustPhase::Change, 8), Instant::now()).unwrap();
    trust.hear(&message(TrustPhase::Change, 8), Instant::now()).unwrap_err();
    trust.hear(&message(TrustPhase::Heartbeat, 8), Instant::now()).unwrap();
    assert_eq!(trust.sequence(), 8);
}

#[test]
fn a_snapshot_replaces_everything_once_it_is_complete() {
    let (trust, ann) = (heard(Instant::now()), claims());
    let refusal = |id: Uuid| vec![Refusal { id: id.to_string(), until: None }];
    let change = message(TrustPhase::Change, 8);
    let change = WatchTrustResponse { sessions: refusal(ann.sid), ..change };
    trust.hear(&change, Instant::now()).unwrap();
    assert_eq!(trust.check(&ann).unwrap_err(), Refused::Ended);
    let bob = claims();
    let first = message(TrustPhase::Snapshot, 3);
    let first = WatchTrustResponse { keys: vec![key()], users: refusal(bob.sub), ..first };
    trust.hear(&first, Instant::now()).unwrap();
    assert_eq!(trust.check(&ann).unwrap_err(), Refused::Ended, "not complete");
    trust.check(&bob).unwrap();
    trust.hear(&message(TrustPhase::SnapshotEnd, 3), Instant::now()).unwrap();
    trust.check(&ann).unwrap();
    assert_eq!(trust.check(&bob).unwrap_err(), Refused::Ended);
    assert_eq!(trust.sequence(), 3);
}

#[test]
fn whoever_is_told_everything_knows_everything() {
    let (trust, sids) = (heard(Instant::now()), (0..=PIECE * 2).map(|_| claims()));
    let all: Vec<_> = sids.collect();
    let in_an_hour = jiff::Timestamp::now().as_second() + 3600;
    let until = Some(prost_types::Timestamp { seconds: in_an_hour, nanos: 0 });
    let sessions = all.iter().map(|it| Refusal { id: it.sid.to_string(), until }).collect();
    let users = vec![Refusal { id: all[0].sub.to_string(), until: None }];
    let change = message(TrustPhase::Change, 8);
    trust.hear(&WatchTrustResponse { sessions, users, ..change }, Instant::now()).unwrap();
    let pieces = trust.snapshot();
    assert_eq!(pieces.len(), 5);
    let copy = Trust::new(LIMIT);
    for piece in &pieces {
        copy.hear(piece, Instant::now()).unwrap();
    }
    assert!(all.iter().all(|it| copy.check(it).is_err()));
    copy.check(&claims()).unwrap();
    copy.hear(&message(TrustPhase::Change, 9), Instant::now()).unwrap();
}

#[test]
fn what_is_over_is_forgotten_and_what_has_no_end_is_not() {
    let (trust, old, banned) = (heard(Instant::now()), claims(), claims());
    let until = Some(prost_types::Timestamp { seconds: 1, nanos: 0 });
    let change = WatchTrustResponse {
        sessions: vec![Refusal { id: old.sid.to_string(), until }],
        users: vec![Refusal { id: banned.sub.to_string(), until: None }],
        ..message(TrustPhase::Change, 8)
    };
    trust.hear(&change, Instant::now()).unwrap();
    trust.check(&old).unwrap_err();
    trust.hear(&message(TrustPhase::Heartbeat, 8), Instant::now()).unwrap();
    trust.check(&old).unwrap();
    trust.check(&banned).unwrap_err();
}
