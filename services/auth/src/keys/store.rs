//! Signing keys in `PostgreSQL`.

use database::{Pool, Transaction};
use jiff::Timestamp;
use platform::seal::Sealer;
use tokio_postgres::Row;

use super::{Error, Key, Keys, Rotation, Sealed};
use crate::audit;

/// Any number; instances that turn keys together take turns on it.
const LOCK: i64 = 0x6b65_7973;

/// Caches of the key set are good for 300 seconds: a key signs after two such times.
const PUBLISHED_BEFORE: f64 = 600.0;

/// A key as an operator sees it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) kid: String,
    /// `next`, `signing` or `retired`.
    pub(crate) state: &'static str,
    pub(crate) signs_from: Timestamp,
    pub(crate) retired_at: Option<Timestamp>,
}

/// Where the keys are in their turn.
struct State {
    has_signing: bool,
    has_next: bool,
    /// Until the key that signs has done so for long enough.
    seconds_left: f64,
}

/// Makes the next key in time and retires those that it has replaced: once, however
/// many instances do it at the same time.
pub(crate) async fn turn(pool: &Pool, sealer: &Sealer, rotation: Rotation) -> Result<(), Error> {
    pool.transaction((sealer, rotation), |transaction, &(sealer, rotation)| {
        Box::pin(async move {
            lock(transaction).await?;
            let state = state(transaction, rotation).await?;
            if !state.has_signing && !state.has_next {
                insert(transaction, sealer, 0.0).await?;
            } else if !state.has_next && state.seconds_left <= PUBLISHED_BEFORE {
                insert(transaction, sealer, state.seconds_left.max(PUBLISHED_BEFORE)).await?;
            }
            transaction.rows(include_str!("retire.sql"), &[]).await?;
            transaction.rows(include_str!("delete_old.sql"), &[]).await?;
            Ok(())
        })
    })
    .await
}

/// Brings the next turn forward, and returns how many seconds it is away: caches must
/// learn the key before it signs.
pub(crate) async fn rotate(pool: &Pool, sealer: &Sealer) -> Result<f64, Error> {
    pool.transaction(sealer, |transaction, sealer| {
        Box::pin(async move {
            lock(transaction).await?;
            let sql = include_str!("promote.sql");
            if transaction.rows(sql, &[&PUBLISHED_BEFORE]).await?.is_empty() {
                insert(transaction, sealer, PUBLISHED_BEFORE).await?;
            }
            Ok(PUBLISHED_BEFORE)
        })
    })
    .await
}

/// Takes a key away at once, with all that it has signed. Another signs from now on.
pub(crate) async fn revoke(pool: &Pool, sealer: &Sealer, kid: &str) -> Result<(), Error> {
    pool.transaction((sealer, kid), |transaction, &(sealer, kid)| {
        Box::pin(async move {
            lock(transaction).await?;
            let row = transaction.row(include_str!("delete.sql"), &[&kid]).await?;
            row.ok_or(Error::NotFound)?;
            note(transaction, audit::Kind::KeyRevoked, kid).await?;
            let state = state(transaction, Rotation { days: 1 }).await?;
            if !state.has_signing {
                let sql = include_str!("promote.sql");
                if transaction.rows(sql, &[&0.0_f64]).await?.is_empty() {
                    insert(transaction, sealer, 0.0).await?;
                }
            }
            Ok(())
        })
    })
    .await
}

/// All keys, opened.
pub(crate) async fn load(pool: &Pool, sealer: &Sealer) -> Result<Keys, Error> {
    let rows = pool.rows(include_str!("find_all.sql"), &[]).await?;
    let stored = rows.iter().map(|row| {
        Ok(Sealed {
            kid: row.try_get("kid")?,
            sealed: row.try_get("sealed")?,
            signs_from: row.try_get("signs_from")?,
            is_retired: row.try_get("is_retired")?,
        })
    });
    let stored = stored.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    Keys::open(sealer, &stored)
}

/// All keys, closed.
pub(crate) async fn list(pool: &Pool) -> Result<Vec<Listed>, Error> {
    let rows = pool.rows(include_str!("find_all.sql"), &[]).await?;
    rows.iter().map(listed).collect::<Result<_, _>>().map_err(unreadable)
}

async fn lock(transaction: &Transaction<'_>) -> Result<(), Error> {
    transaction.row(include_str!("lock.sql"), &[&LOCK]).await?;
    Ok(())
}

async fn state(transaction: &Transaction<'_>, rotation: Rotation) -> Result<State, Error> {
    let days = i32::try_from(rotation.days).unwrap_or(i32::MAX);
    let row = transaction.row(include_str!("state.sql"), &[&days]).await?;
    let read = |row: Row| {
        Ok(State {
            has_signing: row.try_get::<_, Option<_>>("has_signing")?.unwrap_or_default(),
            has_next: row.try_get::<_, Option<_>>("has_next")?.unwrap_or_default(),
            seconds_left: row.try_get::<_, Option<_>>("seconds_left")?.unwrap_or_default(),
        })
    };
    row.map(read).transpose().map_err(unreadable)?.ok_or(Error::NotFound)
}

async fn insert(
    transaction: &Transaction<'_>,
    sealer: &Sealer,
    signs_in: f64,
) -> Result<(), Error> {
    let (kid, sealed) = Key::generate(sealer)?;
    transaction.row(include_str!("insert.sql"), &[&kid, &sealed, &signs_in]).await?;
    note(transaction, audit::Kind::KeyCreated, &kid).await
}

async fn note(transaction: &Transaction<'_>, kind: audit::Kind, kid: &str) -> Result<(), Error> {
    let details = &[("kid", kid)];
    let event = audit::Event { kind, actor: None, subject: None, session: None, details };
    Ok(audit::record(transaction, &event).await?)
}

fn listed(row: &Row) -> Result<Listed, tokio_postgres::Error> {
    let state = match (row.try_get("is_next")?, row.try_get("is_retired")?) {
        (_, true) => "retired",
        (true, false) => "next",
        (false, false) => "signing",
    };
    Ok(Listed {
        kid: row.try_get("kid")?,
        state,
        signs_from: row.try_get("signs_from")?,
        retired_at: row.try_get("retired_at")?,
    })
}

fn unreadable(error: tokio_postgres::Error) -> Error {
    Error::Database(error.into())
}

impl database::Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Sealed(_) | Self::Crypto | Self::Signing(_) | Self::NotFound => None,
        }
    }
}
