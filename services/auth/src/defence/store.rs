//! The counts in `PostgreSQL`.

use std::time::Duration;

use database::{Pool, Transaction};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Account, Defence, Error, Guess, Marks, Waited, Who, lanes::Lane};
use crate::audit::{self, Kind};

/// Counts a sign-in as failed, in one statement for whatever there is.
pub(super) async fn reserve(defence: &Defence, waited: Waited<'_>) -> Result<Guess, Error> {
    let Waited { email, token, marks, lane } = waited;
    let params: [&(dyn ToSql + Sync); 7] = [
        &email,
        &token,
        &marks.address.as_slice(),
        &marks.device.as_slice(),
        &marks.network.as_slice(),
        &marks.guess.as_slice(),
        &defence.limit(),
    ];
    let row = defence.pool.row(include_str!("reserve.sql"), &params).await?;
    let row = row.ok_or_else(|| database::Error::Config("one row comes back".to_owned()))?;
    read(&row, marks, lane).map_err(|error| Error::Database(error.into()))?
}

pub(super) async fn settle(pool: &Pool, marks: &Marks) -> Result<(), Error> {
    pool.transaction(marks, |transaction, marks| Box::pin(settle_in(transaction, marks))).await?;
    Ok(())
}

pub(super) async fn settle_in(
    transaction: &Transaction<'_>,
    marks: &Marks,
) -> Result<(), database::Error> {
    let params: [&(dyn ToSql + Sync); 3] =
        [&marks.attempt(), &marks.network.as_slice(), &marks.guess.as_slice()];
    transaction.row(include_str!("settle.sql"), &params).await.map(drop)
}

/// Counts a password within a session as wrong, in one statement that finds out
/// whether the session is still there. Returns how many that makes, and whether it
/// comes in time.
pub(super) async fn reserve_proof(
    pool: &Pool,
    mark: &[u8; 32],
    who: Who,
) -> Result<(i32, bool), Error> {
    let params: [&(dyn ToSql + Sync); 3] = [&mark.as_slice(), &who.session_id, &who.user_id];
    let row = pool.row(include_str!("reserve_proof.sql"), &params).await?.ok_or(Error::Ended)?;
    let read = || Ok((row.try_get("failures")?, row.try_get("is_let_in")?));
    read().map_err(|error: tokio_postgres::Error| Error::Database(error.into()))
}

pub(super) async fn settle_proof(pool: &Pool, mark: &[u8; 32]) -> Result<(), database::Error> {
    pool.row(include_str!("forgive.sql"), &[&mark.as_slice()]).await.map(drop)
}

pub(super) async fn record(pool: &Pool, kind: Kind, subject: Option<Uuid>) -> Result<(), Error> {
    pool.transaction((kind, subject), |transaction, &(kind, subject)| {
        Box::pin(async move {
            let event = audit::Event { kind, actor: None, subject, session: None, details: &[] };
            Ok(audit::record(transaction, &event).await?)
        })
    })
    .await
}

pub(super) async fn forgive(
    transaction: &Transaction<'_>,
    address: &[u8],
) -> Result<(), database::Error> {
    transaction.row(include_str!("forgive.sql"), &[&address]).await?;
    Ok(())
}

/// The sign-in as it was counted, or for how long there are too many.
fn read(
    row: &Row,
    marks: Marks,
    lane: Lane,
) -> Result<Result<Guess, Error>, tokio_postgres::Error> {
    let is_known: bool = row.try_get("is_known")?;
    let (failures, is_let_in) = (row.try_get("failures")?, row.try_get("is_let_in")?);
    let (Some(failures), Some(is_let_in)) = (failures, is_let_in) else {
        let seconds: i32 = row.try_get("wait_seconds")?;
        let wait = Duration::from_secs(seconds.max(1).unsigned_abs().into());
        return Ok(Err(Error::Crowded(wait)));
    };
    let account = match row.try_get("user_id")? {
        Some(user_id) => Some(Account { user_id, password_hash: row.try_get("password_hash")? }),
        None => None,
    };
    let others: i64 = row.try_get("others")?;
    let is_new: bool = row.try_get("is_new")?;
    let crowd = (is_new && !is_known).then_some(others + 1);
    let mut marks = marks;
    marks.is_known = is_known;
    Ok(Ok(Guess { account, is_let_in, failures, crowd, marks, _lane: lane }))
}
