//! What an operator does beside the API: the first admin, and links that sign
//! an admin in.

use database::Pool;
use uuid::Uuid;

use crate::{secrets::Token, users::normal_email};

/// What can go wrong for an operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody with this address is an admin.
    #[error("no admin has this e-mail address")]
    NoAdmin,
    /// The database did not do what it was asked.
    #[error(transparent)]
    Database(#[from] database::Error),
}

/// Makes an admin account that no password opens, unless there is an admin.
pub async fn ensure_admin(pool: &Pool, email: &str) -> Result<(), Error> {
    let (user_id, email) = (Uuid::now_v7(), normal_email(email));
    pool.row(include_str!("ensure_admin.sql"), &[&user_id, &email]).await?;
    Ok(())
}

/// Makes a link that signs an admin in once within 15 minutes, and returns the
/// token that goes behind `#token=`.
pub async fn sign_in_link(pool: &Pool, email: &str) -> Result<String, Error> {
    let token = Token::random();
    let sql = include_str!("insert_link.sql");
    let row = pool.row(sql, &[&token.hash(), &normal_email(email)]).await?;
    row.map(|_| token.into_text()).ok_or(Error::NoAdmin)
}
