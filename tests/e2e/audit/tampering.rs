//! Whoever owns the database changes what is in it, and is found out.

use auth::operator::audit::{Broken, Checkpoint, Trusted};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use tests::Stack;

use super::{covered, stack, superuser, trusted, verified, write_down};

const EVENTS: i64 = 40;
const CASES: usize = 150;

/// Something that a superuser does to the log.
#[derive(Clone, Debug)]
enum Tampering {
    Delete(i64),
    DeleteSome(i64, i64),
    CutTail(i64),
    Swap(i64, i64),
    MoveToGap(i64),
    Insert(i64),
    Copy(i64),
    Change(i64, &'static str),
    ChangePrivate(i64, &'static str),
    SwapPrivate(i64, i64),
    DeleteCheckpoint(i64),
    ChangeCheckpoint(i64, &'static str),
    Rechain(i64),
}

const COLUMNS: [&str; 11] = [
    "kind = kind || '.'",
    "actor_id = gen_random_uuid()",
    "actor_id = NULL",
    "subject_id = actor_id",
    "session_id = gen_random_uuid()",
    "request_id = ''",
    "details = '{}'",
    "occurred_at = occurred_at - interval '1 microsecond'",
    "chained_at = chained_at + interval '1 microsecond'",
    "hash = sha256(hash)",
    "private_mark = ''",
];
const PRIVATE: [&str; 2] = ["private = '{\"address\":\"203.0.113.1\"}'", "salt = sha256(salt)"];
const CHECKPOINT: [&str; 5] = [
    "position = position - 1",
    "hash = sha256(hash)",
    "pruned_position = 1",
    "made_at = made_at + interval '1 hour'",
    "signature = sha512(signature)",
];

fn tamperings() -> impl Strategy<Value = Tampering> {
    let place = || 1..=EVENTS;
    let pair =
        || (1..EVENTS, 1..EVENTS).prop_map(|(a, b)| if b >= a { (a, b + 1) } else { (a, b) });
    prop_oneof![
        place().prop_map(Tampering::Delete),
        pair().prop_map(|(a, b)| Tampering::DeleteSome(a.min(b), a.max(b))),
        place().prop_map(Tampering::CutTail),
        pair().prop_map(|(a, b)| Tampering::Swap(a, b)),
        place().prop_map(Tampering::MoveToGap),
        place().prop_map(Tampering::Insert),
        place().prop_map(Tampering::Copy),
        (place(), proptest::sample::select(&COLUMNS[..]))
            .prop_map(|(n, c)| Tampering::Change(n, c)),
        (place(), proptest::sample::select(&PRIVATE[..]))
            .prop_map(|(n, c)| Tampering::ChangePrivate(n, c)),
        pair().prop_map(|(a, b)| Tampering::SwapPrivate(a, b)),
        (1..=2_i64).prop_map(Tampering::DeleteCheckpoint),
        (1..=2_i64, proptest::sample::select(&CHECKPOINT[..]))
            .prop_map(|(n, c)| Tampering::ChangeCheckpoint(n, c)),
        place().prop_map(Tampering::Rechain),
    ]
}

impl Tampering {
    fn sql(&self) -> String {
        let columns = "chained_at, sequence, occurred_at, kind, actor_id, subject_id, session_id, \
                       request_id, details, private_mark, hash";
        match self {
            Self::Delete(n) => format!("DELETE FROM audit_log WHERE position = {n}"),
            Self::DeleteSome(a, b) => {
                format!("DELETE FROM audit_log WHERE position BETWEEN {a} AND {b}")
            }
            Self::CutTail(n) => format!("DELETE FROM audit_log WHERE position >= {n}"),
            Self::Swap(a, b) => format!(
                "UPDATE audit_log SET position = CASE position WHEN {a} THEN -{b} ELSE -{a} END \
                 WHERE position IN ({a}, {b}); \
                 UPDATE audit_log SET position = -position WHERE position < 0"
            ),
            // A deletion that closes its gap.
            Self::MoveToGap(n) => format!(
                "DELETE FROM audit_log WHERE position = {n}; \
                 UPDATE audit_log SET position = -(position - 1) WHERE position > {n}; \
                 UPDATE audit_log SET position = -position WHERE position < 0"
            ),
            Self::Insert(n) => format!(
                "UPDATE audit_log SET position = -(position + 1) WHERE position >= {n}; \
                 UPDATE audit_log SET position = -position WHERE position < 0; \
                 INSERT INTO audit_log (position, {columns}) \
                 SELECT {n}, {columns} FROM audit_log ORDER BY position DESC LIMIT 1"
            ),
            Self::Copy(n) => format!(
                "INSERT INTO audit_log (position, {columns}) \
                 SELECT position, chained_at + interval '1 second', {} \
                 FROM audit_log WHERE position = {n}",
                columns.trim_start_matches("chained_at, ")
            ),
            Self::Change(n, what) => format!("UPDATE audit_log SET {what} WHERE position = {n}"),
            Self::ChangePrivate(n, what) => {
                format!("UPDATE audit_private SET {what} WHERE position = {n}")
            }
            Self::SwapPrivate(a, b) => format!(
                "UPDATE audit_private SET position = CASE position WHEN {a} THEN -{b} ELSE -{a} END \
                 WHERE position IN ({a}, {b}); \
                 UPDATE audit_private SET position = -position WHERE position < 0"
            ),
            Self::DeleteCheckpoint(n) => {
                format!("DELETE FROM audit_checkpoints WHERE number = {n}")
            }
            Self::ChangeCheckpoint(n, what) => {
                format!("UPDATE audit_checkpoints SET {what} WHERE number = {n}")
            }
            // Everything from a place on is made to fit: only the signature tells.
            Self::Rechain(n) => format!(
                "UPDATE audit_log SET hash = sha256(hash), details = '{{}}' WHERE position >= {n}"
            ),
        }
    }
}

/// A log of a service that was stopped, with at least three checkpoints.
async fn written() -> Stack {
    let mut stack = stack().await;
    let database = &stack.databases.auth;
    for count in [20, 10, 10] {
        write_down(database, count).await;
        covered(database).await;
    }
    stack.auth.kill();
    stack
}

#[tokio::test]
async fn whatever_a_superuser_does_to_the_log_is_found() {
    let stack = written().await;
    let (database, trusted) = (&stack.databases.auth, trusted(&stack));
    let findings = verified(database, &trusted).await.unwrap();
    assert_eq!((findings.events, findings.uncovered, findings.erased), (EVENTS, 0, 0));
    assert!(findings.checkpoints >= 3, "{findings:?}");
    let owner = superuser(database).await;
    let copies = ["audit_log", "audit_private", "audit_checkpoints"];
    for table in copies {
        let keep = format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}");
        owner.batch_execute(&keep).await.unwrap();
    }
    let mut runner = TestRunner::default();
    for _ in 0..CASES {
        let tampering = tamperings().new_tree(&mut runner).unwrap().current();
        owner.batch_execute(&tampering.sql()).await.unwrap();
        let found = verified(database, &trusted).await;
        assert!(found.is_err(), "{tampering:?} was not found: {found:?}");
        for table in copies {
            let back = format!("TRUNCATE {table}; INSERT INTO {table} SELECT * FROM kept_{table}");
            owner.batch_execute(&back).await.unwrap();
        }
    }
    assert_eq!(verified(database, &trusted).await.unwrap(), findings);
}

#[tokio::test]
async fn the_first_wrong_event_is_named() {
    let stack = written().await;
    let (database, trusted) = (&stack.databases.auth, trusted(&stack));
    let owner = superuser(database).await;
    for (tampering, broken) in [
        (Tampering::Change(30, "kind = 'x'"), Broken::Changed(30)),
        (Tampering::ChangePrivate(29, PRIVATE[0]), Broken::PrivateChanged(29)),
        (Tampering::Copy(28), Broken::PutIn(28)),
        (Tampering::Delete(17), Broken::Missing(17)),
        (Tampering::CutTail(8), Broken::Missing(8)),
        (Tampering::DeleteCheckpoint(2), Broken::CheckpointMissing(2)),
        (Tampering::ChangeCheckpoint(1, CHECKPOINT[1]), Broken::CheckpointChanged(1)),
    ] {
        owner.batch_execute(&tampering.sql()).await.unwrap();
        assert_eq!(verified(database, &trusted).await, Err(broken), "{tampering:?}");
    }
}

#[tokio::test]
async fn a_log_that_was_cut_with_its_checkpoints_is_found_by_a_witness() {
    let stack = written().await;
    let (database, mut trusted) = (&stack.databases.auth, trusted(&stack));
    let pool = database::Pool::new(&database.url, 1).unwrap();
    let last = auth::operator::audit::last_checkpoint(&pool).await.unwrap().unwrap();
    let witness: Checkpoint = serde_json::from_str(&last.line()).unwrap();
    let owner = superuser(database).await;
    let cut = "DELETE FROM audit_checkpoints WHERE position > 20; \
               DELETE FROM audit_log WHERE position > 20; \
               DELETE FROM audit_private WHERE position > 20";
    owner.batch_execute(cut).await.unwrap();
    // The database alone looks as it did then.
    assert_eq!(verified(database, &trusted).await.unwrap().events, 20);
    trusted.witnesses.push(witness.clone());
    let number = witness.number;
    let found = verified(database, &trusted).await;
    assert_eq!(found, Err(Broken::CheckpointMissing(number)));
    // Nor do keys of somebody else help.
    let stranger = Trusted::default();
    assert_eq!(verified(database, &stranger).await, Err(Broken::CheckpointChanged(1)));
}

#[tokio::test]
async fn what_is_private_can_be_erased_and_the_chain_holds() {
    let stack = written().await;
    let database = &stack.databases.auth;
    let erase = "DELETE FROM audit_private WHERE position <= 10";
    assert_eq!(database.execute(erase, &[]).await, 10);
    let findings = verified(database, &trusted(&stack)).await.unwrap();
    assert_eq!((findings.events, findings.erased), (EVENTS, 10));
}

#[tokio::test]
async fn the_service_itself_can_only_append() {
    let stack = written().await;
    let client = stack.databases.auth.connect().await;
    for sql in [
        "UPDATE audit_log SET kind = 'x' WHERE position = 1",
        "DELETE FROM audit_log WHERE position = 1",
        "TRUNCATE audit_log",
        "UPDATE audit_checkpoints SET position = 0",
        "DELETE FROM audit_checkpoints",
        "TRUNCATE audit_checkpoints",
        "DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || min(tableoid::regclass::text) FROM audit_log); END $$",
    ] {
        let refused = client.batch_execute(sql).await.unwrap_err();
        let code = refused.code().map(tokio_postgres::error::SqlState::code);
        assert_eq!(code, Some("42501"), "{sql}: {refused}");
    }
}
