//! The queue of letters in `PostgreSQL`.

use std::time::Duration;

use database::{Error, Pool, Transaction};
use jiff::Timestamp;
use platform::seal::Sealer;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::Letter;

/// A letter that a worker has taken for a while.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) id: Uuid,
    pub(super) recipient: String,
    pub(super) sealed: Vec<u8>,
    pub(super) created_at: Timestamp,
    /// How often it was tried, this time included. Who tried before does not know it.
    pub(super) attempts: i32,
    pub(super) is_useful: bool,
}

/// How much waits, and for how long.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backlog {
    pub(super) waiting: i32,
    pub(super) oldest_seconds: f64,
}

pub(super) async fn insert(
    transaction: &Transaction<'_>,
    sealer: &Sealer,
    recipient: &str,
    letter: &Letter,
) -> Result<(), Error> {
    let (id, kind) = (Uuid::now_v7(), letter.kind());
    let written = serde_json::to_vec(letter).unwrap_or_default();
    let sealed = sealer.seal(id.as_bytes(), &written);
    let useful = letter.useful_for().as_secs_f64();
    let params: [&(dyn ToSql + Sync); 5] = [&id, &recipient, &kind, &sealed, &useful];
    transaction.row(include_str!("insert.sql"), &params).await?;
    Ok(())
}

/// Takes letters that are due; nobody else tries to send them for a while.
pub(super) async fn claim(
    pool: &Pool,
    worker: Uuid,
    most: i64,
    lease: Duration,
) -> Result<Vec<Claimed>, Error> {
    let params: [&(dyn ToSql + Sync); 3] = [&worker, &most, &lease.as_secs_f64()];
    let rows = pool.rows(include_str!("claim.sql"), &params).await?;
    Ok(rows.iter().map(claimed).collect::<Result<_, _>>()?)
}

/// Writes down that a letter was sent; what is in it is forgotten unless it is kept.
pub(super) async fn sent(
    pool: &Pool,
    worker: Uuid,
    letter: &Claimed,
    keep: bool,
) -> Result<(), Error> {
    let params: [&(dyn ToSql + Sync); 4] = [&letter.id, &worker, &letter.attempts, &keep];
    pool.row(include_str!("sent.sql"), &params).await.map(drop)
}

/// Puts a letter back, to be tried again after a pause.
pub(super) async fn again(
    pool: &Pool,
    worker: Uuid,
    letter: &Claimed,
    (why, pause): (&str, Duration),
) -> Result<(), Error> {
    let Claimed { id, attempts, .. } = letter;
    let params: [&(dyn ToSql + Sync); 5] = [id, &worker, attempts, &why, &pause.as_secs_f64()];
    pool.row(include_str!("again.sql"), &params).await.map(drop)
}

/// Gives a letter up and forgets what is in it.
pub(super) async fn dead(
    pool: &Pool,
    worker: Uuid,
    letter: &Claimed,
    why: &str,
) -> Result<(), Error> {
    let params: [&(dyn ToSql + Sync); 4] = [&letter.id, &worker, &letter.attempts, &why];
    pool.row(include_str!("dead.sql"), &params).await.map(drop)
}

/// Lets others send what there is no time for.
pub(super) async fn give_back(pool: &Pool, worker: Uuid, letters: &[Uuid]) -> Result<(), Error> {
    pool.row(include_str!("give_back.sql"), &[&worker, &letters]).await.map(drop)
}

/// Removes some of what was settled long ago.
pub(super) async fn sweep(pool: &Pool) -> Result<(), Error> {
    pool.row(include_str!("sweep.sql"), &[]).await.map(drop)
}

pub(super) async fn measure(pool: &Pool) -> Result<Backlog, Error> {
    let Some(row) = pool.row(include_str!("measure.sql"), &[]).await? else {
        return Ok(Backlog::default());
    };
    let (waiting, oldest_seconds) = (row.try_get("waiting")?, row.try_get("oldest_seconds")?);
    Ok(Backlog { waiting, oldest_seconds })
}

fn claimed(row: &Row) -> Result<Claimed, tokio_postgres::Error> {
    Ok(Claimed {
        id: row.try_get("letter_id")?,
        recipient: row.try_get("recipient")?,
        sealed: row.try_get("sealed")?,
        created_at: row.try_get("created_at")?,
        attempts: row.try_get("attempts")?,
        is_useful: row.try_get("is_useful")?,
    })
}
