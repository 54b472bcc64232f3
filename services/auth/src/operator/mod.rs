//! What an operator does beside the API: the first admin, links that sign an admin
//! in, and the keys of the product's own services.

mod admin;
pub mod audit;

pub mod keys;
pub mod trust;

use database::Pool;
use platform::identity::ApiKey;
use uuid::Uuid;

pub use self::admin::create_admin;
pub use crate::mail::{Kept, Mailbox, Written};
use crate::{machines, secrets::Token, users::normal_email};

/// What can go wrong for an operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is an admin, or nobody with this address.
    #[error("there is no such admin")]
    NoAdmin,
    /// The account is suspended.
    #[error("the account is suspended")]
    Suspended,
    /// The name belongs to another account, or the account has too many keys.
    #[error("{0}")]
    NoServiceKey(String),
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

/// Makes a key, good for a year, for a service of the product: to be given to it as
/// `MAINSTAY_SERVICE_KEY`. Its account is made where there is none; the keys that it
/// has stay good.
pub async fn service_key(pool: &Pool, service: &str) -> Result<ApiKey, Error> {
    let key = ApiKey::random();
    let made = machines::ensure_service_key(pool, service, (&key, "mainstay admin"), false).await;
    made.map(|()| key).map_err(no_key)
}

/// Stores a key that a service of a development stack was given, in the place of
/// the one that it was given the last time.
pub async fn provision(pool: &Pool, service: &str, key: &ApiKey) -> Result<(), Error> {
    let made = machines::ensure_service_key(pool, service, (key, "mainstay dev"), true).await;
    made.map_err(no_key)
}

fn no_key(error: machines::Error) -> Error {
    match error {
        machines::Error::Database(error) => Error::Database(error),
        other => Error::NoServiceKey(other.to_string()),
    }
}
