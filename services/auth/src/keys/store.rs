//! Signing keys in `PostgreSQL`.

use database::Pool;
use platform::seal::Sealer;

use super::{Error, Key, KeySet, Sealed};

/// Any number; instances that start together take turns on it.
const LOCK: i64 = 0x6b65_7973;

/// Reads the keys, and makes the first one if there is none: once, however many
/// instances start at the same time.
pub(crate) async fn load_or_create(pool: &Pool, sealer: &Sealer) -> Result<KeySet, Error> {
    pool.transaction(sealer, |transaction, sealer| {
        Box::pin(async move {
            transaction.row(include_str!("lock.sql"), &[&LOCK]).await?;
            let rows = transaction.rows(include_str!("newest_first.sql"), &[]).await?;
            let mut stored = rows
                .iter()
                .map(|row| Ok(Sealed { kid: row.try_get("kid")?, sealed: row.try_get("sealed")? }))
                .collect::<Result<Vec<_>, tokio_postgres::Error>>()
                .map_err(database::Error::from)?;
            if stored.is_empty() {
                let key = Key::generate(sealer)?;
                transaction.row(include_str!("insert.sql"), &[&key.kid, &key.sealed]).await?;
                stored.push(key);
            }
            KeySet::open(sealer, &stored)
        })
    })
    .await
}

impl database::Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Sealed(_) | Self::Crypto | Self::Signing(_) => None,
        }
    }
}
