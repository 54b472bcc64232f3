//! What an operator does beside the API: the first admin, and links that sign
//! an admin in.

use database::Pool;
use uuid::Uuid;

pub use crate::mail::{Kept, Mailbox, Written};
use crate::{secrets::Token, users::normal_email};

/// What can go wrong for an operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is an admin, or nobody with this address.
    #[error("there is no such admin")]
    NoAdmin,
    /// The database did not do what it was asked.
    #[error(transparent)]
    Database(#[from] database::Error),
}

/// Makes an admin account that no password opens, unless there is an admin or the
/// address is that of somebody else.
pub async fn ensure_admin(pool: &Pool, email: &str) -> Result<(), Error> {
    let (user_id, email) = (Uuid::now_v7(), normal_email(email));
    pool.row(include_str!("ensure_admin.sql"), &[&user_id, &email]).await?;
    Ok(())
}

/// Finds whom a link can sign in: the admin with the preferred address, or the
/// oldest one. Returns the address.
pub async fn admin(pool: &Pool, preferred: &str) -> Result<String, Error> {
    let row = pool.row(include_str!("find_admin.sql"), &[&normal_email(preferred)]).await?;
    let row = row.ok_or(Error::NoAdmin)?;
    Ok(row.try_get("email").map_err(database::Error::from)?)
}

/// Makes a link that signs an admin in once within 15 minutes, and returns the
/// token that goes behind `#token=`.
pub async fn sign_in_link(pool: &Pool, email: &str) -> Result<String, Error> {
    let token = Token::random();
    let sql = include_str!("insert_link.sql");
    let row = pool.row(sql, &[&token.hash(), &normal_email(email)]).await?;
    row.map(|_| token.into_text()).ok_or(Error::NoAdmin)
}
