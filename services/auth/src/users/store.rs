//! Accounts in `PostgreSQL`: one function per statement.

use database::{Done, Once, Pool, Transaction};
use jiff::Timestamp;
use platform::{
    page::{Key, Page},
    time::to_proto,
};
use proto::auth::v1::{Profile, User};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Changes, Error, NewAccount};

macro_rules! statement {
    ($file:literal) => {
        concat!(include_str!($file), include_str!("row.sql"))
    };
}

/// A statement that changes an account and tells why if it does not.
macro_rules! change {
    ($verb:literal) => {
        concat!(
            "-- auth.users.",
            $verb,
            "\n",
            include_str!("target.sql"),
            ", found AS (",
            include_str!(concat!($verb, ".sql")),
            "), shown AS (",
            include_str!("row.sql"),
            ")\n",
            include_str!("outcome.sql"),
        )
    };
}

pub(crate) async fn insert(
    once: &Once<'_>,
    account: &NewAccount,
    password_hash: &str,
) -> Result<Done<User>, Error> {
    once.transaction((account, password_hash), |transaction, (account, password_hash)| {
        Box::pin(async move {
            let NewAccount { id, email, username, display_name } = account;
            let params: [&(dyn ToSql + Sync); 5] =
                [id, email, username, display_name, password_hash];
            let row = transaction.row(statement!("insert.sql"), &params).await.map_err(taken)?;
            read(&row.ok_or(Error::NotFound)?)
        })
    })
    .await
}

pub(crate) async fn find(pool: &Pool, user_id: Uuid) -> Result<User, Error> {
    let row = pool.row(statement!("find.sql"), &[&user_id]).await?;
    read(&row.ok_or(Error::NotFound)?)
}

/// The same within a transaction.
pub(crate) async fn find_in(transaction: &Transaction<'_>, user_id: Uuid) -> Result<User, Error> {
    let row = transaction.row(statement!("find.sql"), &[&user_id]).await?;
    read(&row.ok_or(Error::NotFound)?)
}

/// The users of a page, and one more if there is a next page.
pub(crate) async fn list(pool: &Pool, page: &Page) -> Result<Vec<(Key, User)>, Error> {
    let after = page.after.unwrap_or(Key { at: Timestamp::MAX, id: Uuid::max() });
    let rows = pool.rows(statement!("list.sql"), &[&after.at, &after.id, &page.limit()]).await?;
    rows.iter().map(|row| Ok((key(row)?, read(row)?))).collect()
}

pub(crate) async fn update(pool: &Pool, user_id: Uuid, changes: &Changes) -> Result<User, Error> {
    let Changes { meant, username, display_name } = changes;
    let meant = meant.versions();
    let params: [&(dyn ToSql + Sync); 4] = [&user_id, &meant, username, display_name];
    let row = pool.row(change!("update"), &params).await.map_err(taken)?;
    outcome(row)
}

pub(crate) async fn profiles(pool: &Pool, user_ids: &[Uuid]) -> Result<Vec<Profile>, Error> {
    let rows = pool.rows(include_str!("profiles.sql"), &[&user_ids]).await?;
    let profiles = rows.iter().map(|row| {
        Ok(Profile {
            id: row.try_get::<_, Uuid>("user_id")?.to_string(),
            username: row.try_get("username")?,
            display_name: row.try_get("display_name")?,
        })
    });
    profiles.collect::<Result<_, _>>().map_err(unreadable)
}

/// The changed account, or why it was not changed.
fn outcome(row: Option<Row>) -> Result<User, Error> {
    let row = row.ok_or(Error::NotFound)?;
    let refusal = || {
        if row.try_get::<_, Option<Uuid>>("user_id")?.is_some() {
            return Ok(None);
        }
        let current_etag = row.try_get("current_etag")?;
        Ok(Some(Error::Stale { current_etag, changed_fields: row.try_get("changed_fields")? }))
    };
    match refusal().map_err(unreadable)? {
        Some(refusal) => Err(refusal),
        None => read(&row),
    }
}

fn taken(error: database::Error) -> Error {
    match error.constraint() {
        Some("users_email_key") => Error::EmailTaken,
        Some("users_username_key") => Error::UsernameTaken,
        _ => Error::Database(error),
    }
}

fn key(row: &Row) -> Result<Key, Error> {
    let read = || Ok(Key { at: row.try_get("created_at")?, id: row.try_get("user_id")? });
    read().map_err(unreadable)
}

fn read(row: &Row) -> Result<User, Error> {
    let read = || {
        Ok(User {
            id: row.try_get::<_, Uuid>("user_id")?.to_string(),
            email: row.try_get("email")?,
            username: row.try_get("username")?,
            display_name: row.try_get("display_name")?,
            roles: row.try_get("roles")?,
            created_at: Some(to_proto(row.try_get("created_at")?)),
            updated_at: Some(to_proto(row.try_get("updated_at")?)),
            etag: row.try_get("etag")?,
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
            Self::NotFound | Self::Stale { .. } | Self::EmailTaken | Self::UsernameTaken => None,
        }
    }
}
