//! Everything that happened to one account, for its owner to keep.

use database::{Error, Pool, Transaction};
use proto::auth::v1::AuditEvent;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::search::read_own;

/// The events of an account that are chained between two places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chained {
    pub(crate) user_id: Uuid,
    /// The last place that is of no interest.
    pub(crate) after: i64,
    /// The last place that is.
    pub(crate) until: i64,
}

/// The next events, in the order of the chain, and how far it was looked; none at the
/// end.
pub(crate) async fn chained(
    pool: &Pool,
    asked: Chained,
    limit: i64,
) -> Result<Vec<(i64, AuditEvent)>, Error> {
    let Chained { user_id, after, until } = asked;
    let params: [&(dyn ToSql + Sync); 4] = [&user_id, &after, &until, &limit];
    let sql = concat!(
        include_str!("follow_own.sql"),
        include_str!("row.sql"),
        include_str!("oldest_first.sql"),
    );
    let rows = pool.rows(sql, &params).await?;
    let rows = rows.iter().map(|row| Ok((row.try_get("position")?, read_own(row, user_id)?)));
    Ok(rows.collect::<Result<_, tokio_postgres::Error>>()?)
}

/// How far the chain goes, and the events behind its end that have no place yet.
/// Together with [`chained`] until there they are all, if the transaction sees one
/// moment.
pub(crate) async fn waiting(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<(i64, Vec<AuditEvent>), Error> {
    let row = transaction.row(include_str!("end.sql"), &[]).await?;
    let end = row.map_or(Ok(0), |row| row.try_get("position"))?;
    let rows = transaction.rows(include_str!("waiting_own.sql"), &[&user_id]).await?;
    let events = rows.iter().map(|row| {
        let event = read_own(row, user_id)?;
        Ok::<_, tokio_postgres::Error>(AuditEvent { id: String::new(), ..event })
    });
    Ok((end, events.collect::<Result<_, _>>()?))
}
