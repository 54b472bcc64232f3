//! Visits to other sites that have not ended yet, in `PostgreSQL`.

use database::Pool;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Error, flow::Flow, provider::Provider, store::unreadable};
use crate::sessions;

/// How long a visit to another site may take, in seconds.
const VISIT: f64 = 600.0;

/// Keeps a visit that begins, and forgets some that never ended.
pub(super) async fn insert(
    pool: &Pool,
    flow: &Flow,
    provider: &Provider,
    return_path: &str,
    session_id: Option<Uuid>,
) -> Result<Timestamp, Error> {
    pool.rows(include_str!("delete_expired_flows.sql"), &[]).await?;
    let params: [&(dyn ToSql + Sync); 5] =
        [&flow.hash(), &provider.settings.id, &return_path, &session_id, &VISIT];
    let row =
        pool.row(include_str!("insert_flow.sql"), &params).await.map_err(|error| {
            match error.constraint() {
                Some("identity_flows_session_id_fkey") => sessions::Error::Ended.into(),
                _ => Error::Database(error),
            }
        })?;
    row.ok_or(Error::WrongFlow)?.try_get("expires_at").map_err(unreadable)
}

/// Ends a visit and returns where the browser goes: nobody ends it again.
pub(super) async fn take(
    pool: &Pool,
    flow: &Flow,
    provider: &Provider,
    session_id: Option<Uuid>,
) -> Result<String, Error> {
    let params: [&(dyn ToSql + Sync); 3] = [&flow.hash(), &provider.settings.id, &session_id];
    let row = pool.row(include_str!("take_flow.sql"), &params).await?;
    row.ok_or(Error::WrongFlow)?.try_get("return_path").map_err(unreadable)
}
