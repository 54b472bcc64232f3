//! Factors in `PostgreSQL`: one function per statement.

use database::{Pool, Statement, Transaction};
use platform::time::to_proto;
use proto::auth::v1::Factor;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Error, Ticket};

/// The authenticator app of an account.
#[derive(Debug)]
pub(super) struct StoredTotp {
    pub(super) factor_id: Uuid,
    pub(super) sealed: Vec<u8>,
    /// How many wrong codes came lately.
    pub(super) wrong_codes: i32,
    /// When they are forgotten.
    pub(super) wait_seconds: f64,
}

/// A passkey.
#[derive(Debug)]
pub(super) struct StoredPasskey {
    pub(super) factor_id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) sealed: Vec<u8>,
}

/// Whether an account has a second factor that counts.
pub(crate) async fn has_factor(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<bool, database::Error> {
    Ok(count(transaction, user_id).await? > 0)
}

pub(super) async fn count(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<i32, database::Error> {
    number(transaction.row(include_str!("count.sql"), &[&user_id]).await?)
}

/// Whether an account has a second factor that counts, and none is added until the
/// transaction ends.
pub(super) async fn has_factor_for_now(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<bool, database::Error> {
    let hold = Statement::new(include_str!("hold_account.sql"), &[&user_id]);
    let count = Statement::new(include_str!("count.sql"), &[&user_id]);
    let rows = transaction.each(&[hold, count]).await?;
    Ok(number(rows.into_iter().flatten().last())? > 0)
}

/// Keeps factors and sessions from being added until the transaction ends.
pub(super) async fn claim_account(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<(), Error> {
    let row = transaction.row(include_str!("claim_account.sql"), &[&user_id]).await?;
    row.map(drop).ok_or(Error::User(crate::users::Error::NotFound))
}

/// What can be shown for an account.
pub(super) async fn methods(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<Vec<String>, database::Error> {
    let rows = transaction.rows(include_str!("methods.sql"), &[&user_id]).await?;
    let methods = rows.iter().map(|row| row.try_get("method"));
    Ok(methods.collect::<Result<_, _>>()?)
}

pub(super) async fn list(pool: &Pool, user_id: Uuid) -> Result<Vec<Factor>, Error> {
    let rows = pool.rows(include_str!("list.sql"), &[&user_id]).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn recovery_codes_left(pool: &Pool, user_id: Uuid) -> Result<i32, Error> {
    Ok(number(pool.row(include_str!("codes_left.sql"), &[&user_id]).await?)?)
}

/// How the passkeys of an account are named.
pub(super) async fn credentials(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<Vec<Vec<u8>>, Error> {
    let rows = transaction.rows(include_str!("credentials.sql"), &[&user_id]).await?;
    let ids = rows.iter().map(|row| row.try_get("credential_id"));
    ids.collect::<Result<_, _>>().map_err(unreadable)
}

/// The app of an account, confirmed or only begun. Others wait for it.
pub(super) async fn lock_totp(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    is_confirmed: bool,
) -> Result<Option<StoredTotp>, Error> {
    let row = transaction.row(include_str!("lock_totp.sql"), &[&user_id, &is_confirmed]).await?;
    let read = |row: Row| {
        Ok(StoredTotp {
            factor_id: row.try_get("factor_id")?,
            sealed: row.try_get("sealed")?,
            wrong_codes: row.try_get("wrong_codes")?,
            wait_seconds: row.try_get("wait_seconds")?,
        })
    };
    row.map(read).transpose().map_err(unreadable)
}

/// Stores the secret of an app in place of any that was begun before.
pub(super) async fn begin_totp(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    factor_id: Uuid,
    sealed: &[u8],
) -> Result<(), Error> {
    transaction.rows(include_str!("delete_begun.sql"), &[&user_id]).await?;
    transaction.row(include_str!("begin_totp.sql"), &[&factor_id, &user_id, &sealed]).await?;
    Ok(())
}

pub(super) async fn confirm_totp(
    transaction: &Transaction<'_>,
    factor_id: Uuid,
    step: i64,
    name: &str,
) -> Result<Factor, Error> {
    let sql = include_str!("confirm_totp.sql");
    let row = transaction.row(sql, &[&factor_id, &step, &name]).await.map_err(taken)?;
    read(&row.ok_or(Error::NotBegun)?)
}

/// Accepts a step, once.
pub(super) async fn accept_step(
    transaction: &Transaction<'_>,
    factor_id: Uuid,
    step: i64,
) -> Result<bool, Error> {
    let row = transaction.row(include_str!("accept_step.sql"), &[&factor_id, &step]).await?;
    Ok(row.is_some())
}

pub(super) async fn count_wrong(
    transaction: &Transaction<'_>,
    factor_id: Uuid,
) -> Result<(), Error> {
    transaction.row(include_str!("count_wrong.sql"), &[&factor_id]).await?;
    Ok(())
}

/// The passkey with a name. Others wait for it.
pub(super) async fn lock_passkey(
    transaction: &Transaction<'_>,
    credential_id: &[u8],
) -> Result<Option<StoredPasskey>, Error> {
    let row = transaction.row(include_str!("lock_passkey.sql"), &[&credential_id]).await?;
    let read = |row: Row| {
        Ok(StoredPasskey {
            factor_id: row.try_get("factor_id")?,
            user_id: row.try_get("user_id")?,
            sealed: row.try_get("sealed")?,
        })
    };
    row.map(read).transpose().map_err(unreadable)
}

pub(super) async fn insert_passkey(
    transaction: &Transaction<'_>,
    (user_id, factor_id, credential_id): (Uuid, Uuid, &[u8]),
    sealed: &[u8],
    name: &str,
) -> Result<Factor, Error> {
    let params: [&(dyn ToSql + Sync); 5] = [&factor_id, &user_id, &credential_id, &sealed, &name];
    let row = transaction.row(include_str!("insert_passkey.sql"), &params).await.map_err(taken)?;
    read(&row.ok_or(Error::PasskeyRefused)?)
}

/// Stores a passkey with the count of its last use.
pub(super) async fn use_passkey(
    transaction: &Transaction<'_>,
    factor_id: Uuid,
    sealed: &[u8],
) -> Result<(), Error> {
    transaction.row(include_str!("use_passkey.sql"), &[&factor_id, &sealed]).await?;
    Ok(())
}

/// Removes a factor, and returns what it was.
pub(super) async fn delete(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    factor_id: Uuid,
) -> Result<Option<String>, Error> {
    let row = transaction.row(include_str!("delete.sql"), &[&user_id, &factor_id]).await?;
    row.map(|row| row.try_get("kind")).transpose().map_err(unreadable)
}

pub(super) async fn insert_codes(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    hashes: &[Vec<u8>],
) -> Result<(), Error> {
    transaction.rows(include_str!("insert_codes.sql"), &[&user_id, &hashes]).await?;
    Ok(())
}

pub(super) async fn delete_codes(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<(), Error> {
    transaction.rows(include_str!("delete_codes.sql"), &[&user_id]).await?;
    Ok(())
}

/// Uses a recovery code up; false if there is none like it.
pub(super) async fn use_code(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    hash: &[u8],
) -> Result<bool, Error> {
    Ok(transaction.row(include_str!("use_code.sql"), &[&user_id, &hash]).await?.is_some())
}

pub(super) async fn codes_left(transaction: &Transaction<'_>, user_id: Uuid) -> Result<i32, Error> {
    Ok(number(transaction.row(include_str!("codes_left.sql"), &[&user_id]).await?)?)
}

/// Notes that a ticket was used; false if it was used before.
pub(crate) async fn spend<T: Sync>(
    transaction: &Transaction<'_>,
    ticket: &Ticket<T>,
) -> Result<bool, Error> {
    let params: [&(dyn ToSql + Sync); 2] = [&ticket.id, &ticket.expires_at()];
    Ok(transaction.row(include_str!("spend.sql"), &params).await?.is_some())
}

fn number(row: Option<Row>) -> Result<i32, database::Error> {
    Ok(row.map_or(Ok(0), |row| row.try_get("count"))?)
}

fn taken(error: database::Error) -> Error {
    match error.constraint() {
        Some("factors_credential_id_key") => Error::PasskeyRefused,
        Some("factors_one_totp") => Error::TotpExists,
        _ => Error::Database(error),
    }
}

fn read(row: &Row) -> Result<Factor, Error> {
    let read = || {
        Ok(Factor {
            id: row.try_get::<_, Uuid>("factor_id")?.to_string(),
            kind: row.try_get("kind")?,
            name: row.try_get("name")?,
            created_at: Some(to_proto(row.try_get("confirmed_at")?)),
            last_used_at: row.try_get::<_, Option<_>>("last_used_at")?.map(to_proto),
        })
    };
    read().map_err(unreadable)
}

fn unreadable(error: tokio_postgres::Error) -> Error {
    Error::Database(error.into())
}

impl database::Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Session(error) => error.database(),
            Self::User(error) => error.database(),
            _ => None,
        }
    }

    /// A wrong code is counted, a flow is over, a sign-in was asked for more.
    fn keeps_what_was_done(&self) -> bool {
        match self {
            Self::WrongProof => true,
            Self::Session(error) => error.keeps_what_was_done(),
            _ => false,
        }
    }
}
