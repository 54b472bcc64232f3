//! Dropping old months, with a signed checkpoint that leads over the gap.

use database::{Error, Pool, Transaction};
use jiff::civil::Date;
use platform::sign::Signer;

use super::LOCK;
use crate::audit::{self, Event, Kind};

/// What was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// The last event of it.
    pub position: i64,
    /// How many months.
    pub months: i32,
}

/// Drops the months before one; nothing if there are no events in them. The months
/// that are asked for must be over.
pub async fn prune(pool: &Pool, signer: &Signer, month: Date) -> Result<Option<Pruned>, Error> {
    pool.transaction((signer, month), |transaction, &(signer, month)| {
        Box::pin(prune_in(transaction, signer, month))
    })
    .await
}

async fn prune_in(
    transaction: &Transaction<'_>,
    signer: &Signer,
    month: Date,
) -> Result<Option<Pruned>, Error> {
    transaction.row(include_str!("lock.sql"), &[&LOCK]).await?;
    transaction.row(include_str!("lock.sql"), &[&audit::LOCK]).await?;
    let Some(row) = transaction.row(include_str!("last_before.sql"), &[&month]).await? else {
        return Ok(None);
    };
    let end: (i64, Vec<u8>) = (row.try_get("position")?, row.try_get("hash")?);
    let position = end.0;
    audit::sign(transaction, signer, end).await?;
    transaction.rows(include_str!("drop_private.sql"), &[&position]).await?;
    let row = transaction.row(include_str!("drop_months.sql"), &[&month]).await?;
    let months = row.map_or(Ok(0), |row| row.try_get("months"))?;
    let (until, count) = (position.to_string(), months.to_string());
    let details = [("until", &*until), ("months", &*count)];
    let kind = Kind::Pruned;
    let event = Event { kind, actor: None, subject: None, session: None, details: &details };
    audit::record(transaction, &event).await?;
    Ok(Some(Pruned { position, months }))
}
