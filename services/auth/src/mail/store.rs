//! The queue of letters in `PostgreSQL`.

use database::{Error, Transaction};
use platform::seal::Sealer;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Letter;

pub(super) async fn insert(
    transaction: &Transaction<'_>,
    sealer: &Sealer,
    recipient: &str,
    letter: &Letter,
) -> Result<(), Error> {
    let (id, kind) = (Uuid::now_v7(), letter.kind());
    let written = serde_json::to_vec(letter).unwrap_or_default();
    let sealed = sealer.seal(id.as_bytes(), &written);
    let params: [&(dyn ToSql + Sync); 4] = [&id, &recipient, &kind, &sealed];
    transaction.row(include_str!("insert.sql"), &params).await?;
    Ok(())
}
