//! The stream itself: everything first, then what changes.

use std::time::Duration;

use proto::auth::v1::{
    TrustPhase, TrustedKeyState, WatchTrustRequest, WatchTrustResponse,
    trust_service_client::TrustServiceClient,
};
use tests::{Person, Stack, within};
use tonic::Streaming;
use uuid::Uuid;

use super::{SOON, pool};

type Watch = Streaming<WatchTrustResponse>;

async fn watch(stack: &Stack) -> Watch {
    let mut client = TrustServiceClient::new(tests::channel(&stack.auth));
    client.watch_trust(WatchTrustRequest {}).await.unwrap().into_inner()
}

async fn next(watch: &mut Watch) -> WatchTrustResponse {
    within("something is told", SOON, watch.message()).await.unwrap().unwrap()
}

/// Everything that is told at first, in one piece.
async fn snapshot(watch: &mut Watch) -> WatchTrustResponse {
    let mut all = next(watch).await;
    while all.phase() == TrustPhase::Snapshot {
        let piece = next(watch).await;
        all.sessions.extend(piece.sessions.clone());
        all = WatchTrustResponse { sessions: all.sessions, keys: all.keys, ..piece };
    }
    assert_eq!(all.phase(), TrustPhase::SnapshotEnd);
    all
}

async fn next_change(watch: &mut Watch) -> WatchTrustResponse {
    loop {
        let message = next(watch).await;
        match message.phase() {
            TrustPhase::Change => return message,
            TrustPhase::Heartbeat => {}
            other => panic!("{other:?} after everything was told"),
        }
    }
}

#[tokio::test]
async fn watchers_are_told_everything_and_then_each_change_in_order() {
    let stack = Stack::start().await;
    let (old, new) = (Uuid::now_v7(), Uuid::now_v7());
    auth::operator::trust::revoke_sessions(&pool(&stack), &[old]).await.unwrap();
    let mut first = watch(&stack).await;
    let all = snapshot(&mut first).await;
    assert_eq!(all.keys.len(), 1);
    assert_eq!(all.keys[0].state(), TrustedKeyState::Signing);
    let mut knows_old = all.sessions.iter().any(|it| it.id == old.to_string());
    let mut sequence = all.sequence;

    auth::operator::trust::revoke_sessions(&pool(&stack), &[new]).await.unwrap();
    loop {
        let change = next_change(&mut first).await;
        assert_eq!(change.sequence, sequence + 1);
        sequence = change.sequence;
        let ids: Vec<_> = change.sessions.iter().map(|it| it.id.clone()).collect();
        knows_old |= ids.contains(&old.to_string());
        if ids.contains(&new.to_string()) {
            assert!(change.sessions[0].until.is_some(), "no token outlives it");
            break;
        }
    }
    assert!(knows_old);
    let alive = next(&mut first).await;
    assert_eq!((alive.phase(), alive.sequence), (TrustPhase::Heartbeat, sequence));
}

#[tokio::test]
async fn signs_of_life_come_each_second() {
    let stack = Stack::start().await;
    let mut watch = watch(&stack).await;
    next(&mut watch).await;
    // A busy machine may be late; silence for three times as long is none.
    for _ in 0..4 {
        within("a sign of life", Duration::from_secs(3), watch.message()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_is_committed_late_is_told_late_and_not_never() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let mut watch = watch(&stack).await;
    snapshot(&mut watch).await;
    let end = "UPDATE sessions SET ended_at = now() WHERE user_id = $1::text::uuid";
    let mut slow = stack.databases.auth.connect().await;
    let transaction = slow.transaction().await.unwrap();
    assert_eq!(transaction.execute(end, &[&ann.id]).await.unwrap(), 2);
    // It got its number first and is committed last.
    assert_eq!(stack.databases.auth.execute(end, &[&bob.id]).await, 2);
    assert_eq!(next_change(&mut watch).await.sessions.len(), 2);
    transaction.commit().await.unwrap();
    assert_eq!(next_change(&mut watch).await.sessions.len(), 2);
    let later = next(&mut watch).await;
    assert_eq!(later.phase(), TrustPhase::Heartbeat, "nothing is told twice");
}

#[tokio::test]
async fn a_stream_ends_when_its_process_is_told_to_stop() {
    let mut stack = Stack::start().await;
    let mut watch = watch(&stack).await;
    next(&mut watch).await;
    stack.auth.terminate();
    let rest = async { while let Ok(Some(_)) = watch.message().await {} };
    within("the stream ends", SOON, rest).await;
    assert!(stack.auth.ended(SOON).await.success());
}
