//! API keys as their owners see them.

use database::{Error, Pool, Transaction};
use jiff::Timestamp;
use platform::time::to_proto;
use proto::auth::v1::ApiKey;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::Owner;

/// The keys of an owner, newest first.
pub(super) async fn list_keys(pool: &Pool, owner: Owner) -> Result<Vec<ApiKey>, Error> {
    let params: [&(dyn ToSql + Sync); 2] = [&owner.user_id(), &owner.service_account_id()];
    let rows = pool.rows(include_str!("list_keys.sql"), &params).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// The keys of a user, as one transaction sees them.
pub(crate) async fn keys_of(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<Vec<ApiKey>, Error> {
    let owner = Owner::User(user_id);
    let params: [&(dyn ToSql + Sync); 2] = [&owner.user_id(), &owner.service_account_id()];
    let rows = transaction.rows(include_str!("list_keys.sql"), &params).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

pub(super) fn read(row: &Row) -> Result<ApiKey, tokio_postgres::Error> {
    let last_used_at: Option<Timestamp> = row.try_get("last_used_at")?;
    Ok(ApiKey {
        id: row.try_get::<_, Uuid>("key_id")?.to_string(),
        name: row.try_get("name")?,
        scopes: row.try_get("scopes")?,
        created_at: Some(to_proto(row.try_get("created_at")?)),
        expires_at: Some(to_proto(row.try_get("expires_at")?)),
        last_used_at: last_used_at.map(to_proto),
        last_used_address: row.try_get("last_used_address")?,
    })
}
