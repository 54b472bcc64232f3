//! Accounts to be, until their addresses are proven.

use database::{Pool, Transaction};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Error, NewAccount, Username};

/// Keeps an account to be until its address is proven.
pub(super) async fn insert_sign_up(
    transaction: &Transaction<'_>,
    challenge_id: Uuid,
    account: &NewAccount,
    password_hash: &str,
) -> Result<(), Error> {
    let NewAccount { username, display_name, .. } = account;
    let Username { text, skeleton } = username;
    let params: [&(dyn ToSql + Sync); 5] =
        [&challenge_id, text, skeleton, display_name, &password_hash];
    transaction.row(include_str!("insert_sign_up.sql"), &params).await?;
    Ok(())
}

/// The hash of the password that somebody signed up with.
pub(crate) async fn sign_up_hash(
    pool: &Pool,
    challenge_id: Uuid,
) -> Result<Option<String>, database::Error> {
    let row = pool.row(include_str!("sign_up_hash.sql"), &[&challenge_id]).await?;
    Ok(row.map(|row| row.try_get("password_hash")).transpose()?)
}

/// Takes an account to be, with its password's hash, out of where it was kept.
pub(super) async fn take_sign_up(
    transaction: &Transaction<'_>,
    challenge_id: Uuid,
    email: &str,
) -> Result<(NewAccount, String), Error> {
    let row = transaction.row(include_str!("take_sign_up.sql"), &[&challenge_id]).await?;
    let row = row.ok_or(Error::NotFound)?;
    let read = || {
        let username = Username {
            text: row.try_get("username")?,
            skeleton: row.try_get("username_skeleton")?,
        };
        let account = NewAccount {
            id: Uuid::now_v7(),
            email: email.to_owned(),
            username,
            display_name: row.try_get("display_name")?,
            is_proven: true,
        };
        Ok((account, row.try_get("password_hash")?))
    };
    read().map_err(|error: tokio_postgres::Error| Error::Database(error.into()))
}
