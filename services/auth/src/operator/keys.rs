//! What an operator does about keys and about what is sealed with the master key.

use database::{Pool, Transaction};
use jiff::Timestamp;
use platform::seal::{MasterKey, Sealer};
use tokio_postgres::Row;

use crate::keys;

/// A signing key.
#[derive(Debug)]
pub struct SigningKey {
    /// Its id.
    pub kid: String,
    /// `next`, `signing` or `retired`.
    pub state: &'static str,
    /// When it began to sign, or will.
    pub signs_from: Timestamp,
    /// When another took over.
    pub retired_at: Option<Timestamp>,
}

/// What can go wrong with keys.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key has this id.
    #[error("there is no such key")]
    NoKey,
    /// A stored secret opens with none of the master keys.
    #[error("something stored opens neither with MAINSTAY_SECRET_KEY nor with a previous one")]
    Sealed,
    /// A key could not be made.
    #[error("no key could be made")]
    Crypto,
    /// The database did not do what it was asked.
    #[error(transparent)]
    Database(#[from] database::Error),
}

/// Something that is stored sealed, and outlives the master key that sealed it.
struct Stored {
    purpose: &'static str,
    /// Finds `id`, `context` and `sealed`, and locks them.
    find: &'static str,
    /// Replaces `$2` of the row `$1` by `$3`.
    update: &'static str,
}

/// Everything of that kind. Replies and page tokens are not: they end by themselves
/// within three days.
const STORED: &[Stored] = &[
    Stored {
        purpose: keys::PURPOSE,
        find: include_str!("find_sealed_keys.sql"),
        update: include_str!("reseal_key.sql"),
    },
    Stored {
        purpose: "auth letters",
        find: include_str!("find_sealed_letters.sql"),
        update: include_str!("reseal_letter.sql"),
    },
    Stored {
        purpose: "auth second factors",
        find: include_str!("find_sealed_factors.sql"),
        update: include_str!("reseal_factor.sql"),
    },
];

/// Lists the keys, those that begin to sign last first.
pub async fn list(pool: &Pool) -> Result<Vec<SigningKey>, Error> {
    let listed = keys::list(pool).await?;
    let listed = listed.into_iter().map(|key| SigningKey {
        kid: key.kid,
        state: key.state,
        signs_from: key.signs_from,
        retired_at: key.retired_at,
    });
    Ok(listed.collect())
}

/// Makes the next key, and returns in how many seconds it signs.
pub async fn rotate(pool: &Pool, master: &MasterKey) -> Result<f64, Error> {
    Ok(keys::rotate(pool, &master.sealer(keys::PURPOSE)).await?)
}

/// Takes a key away at once, with every token that it has signed.
pub async fn revoke(pool: &Pool, master: &MasterKey, kid: &str) -> Result<(), Error> {
    Ok(keys::revoke(pool, &master.sealer(keys::PURPOSE), kid).await?)
}

/// Seals everything that is stored with the current master key, all or nothing, and
/// returns how much it was.
pub async fn reseal(pool: &Pool, master: &MasterKey) -> Result<usize, Error> {
    let sealers: Vec<_> = STORED.iter().map(|it| (it, master.sealer(it.purpose))).collect();
    pool.transaction(sealers, |transaction, sealers| {
        Box::pin(async move {
            let mut resealed = 0;
            for (stored, sealer) in sealers {
                resealed += reseal_all(transaction, stored, sealer).await?;
            }
            Ok(resealed)
        })
    })
    .await
}

async fn reseal_all(
    transaction: &Transaction<'_>,
    stored: &Stored,
    sealer: &Sealer,
) -> Result<usize, Error> {
    let rows = transaction.rows(stored.find, &[]).await?;
    for row in &rows {
        let (id, context, sealed) = sealed(row).map_err(database::Error::from)?;
        let plain = sealer.open(&context, &sealed).map_err(|_unsealable| Error::Sealed)?;
        let anew = sealer.seal(&context, &plain);
        transaction.rows(stored.update, &[&id, &sealed, &anew]).await?;
    }
    Ok(rows.len())
}

fn sealed(row: &Row) -> Result<(String, Vec<u8>, Vec<u8>), tokio_postgres::Error> {
    Ok((row.try_get("id")?, row.try_get("context")?, row.try_get("sealed")?))
}

// === impl Error ===

impl From<keys::Error> for Error {
    fn from(error: keys::Error) -> Self {
        match error {
            keys::Error::NotFound => Self::NoKey,
            keys::Error::Sealed(_) => Self::Sealed,
            keys::Error::Crypto | keys::Error::Signing(_) => Self::Crypto,
            keys::Error::Database(error) => Self::Database(error),
        }
    }
}

impl database::Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::NoKey | Self::Sealed | Self::Crypto => None,
        }
    }
}
