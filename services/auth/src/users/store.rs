//! Accounts in `PostgreSQL`: one function per statement.

use database::{Pool, Transaction};
use jiff::Timestamp;
use platform::{
    page::{Key, Page},
    time::to_proto,
};
use proto::auth::v1::{Profile, User};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Changes, Error, NewAccount, Username, search::Search};
use crate::{administration, audit, passwords::OwnWords};

macro_rules! statement {
    ($file:literal) => {
        concat!(include_str!($file), include_str!("row.sql"))
    };
}

const LIST: &str = concat!(statement!("list.sql"), include_str!("newest_first.sql"));

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

/// An account as its owner stands before it: what proving who they are once more,
/// and changing what proves it, needs to know.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) email: String,
    pub(crate) is_email_verified: bool,
    /// Empty if no password opens the account.
    pub(crate) password_hash: String,
    /// Whether they have signed in within the last minutes.
    pub(crate) is_fresh: bool,
    pub(crate) has_second_factor: bool,
    pub(crate) own_words: OwnWords,
}

/// What is taken of an account to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) email: bool,
    pub(super) username: bool,
}

pub(super) async fn insert(
    transaction: &Transaction<'_>,
    account: &NewAccount,
    password_hash: &str,
) -> Result<User, Error> {
    let NewAccount { id, email, username, display_name, is_proven } = account;
    let Username { text, skeleton } = username;
    let params: [&(dyn ToSql + Sync); 7] =
        [id, email, text, skeleton, display_name, &password_hash, is_proven];
    let row = transaction.row(statement!("insert.sql"), &params).await.map_err(taken)?;
    read(&row.ok_or(Error::NotFound)?)
}

/// What of an account to be somebody has.
pub(super) async fn what_is_taken(
    transaction: &Transaction<'_>,
    account: &NewAccount,
) -> Result<Taken, Error> {
    let Username { text, skeleton } = &account.username;
    let params: [&(dyn ToSql + Sync); 3] = [&account.email, text, skeleton];
    let row = transaction.row(include_str!("taken.sql"), &params).await?;
    let row = row.ok_or(Error::NotFound)?;
    let read = || Ok(Taken { email: row.try_get("email")?, username: row.try_get("username")? });
    read().map_err(unreadable)
}

/// Whether somebody has an address.
pub(crate) async fn is_email_taken(
    transaction: &Transaction<'_>,
    email: &str,
) -> Result<bool, database::Error> {
    let row = transaction.row(include_str!("taken.sql"), &[&email, &"", &""]).await?;
    Ok(row.map_or(Ok(false), |row| row.try_get("email"))?)
}

/// How an owner stands before their account; none if their session has ended.
pub(crate) async fn standing(
    pool: &Pool,
    user_id: Uuid,
    session_id: Uuid,
) -> Result<Option<Standing>, Error> {
    let row = pool.row(include_str!("standing.sql"), &[&user_id, &session_id]).await?;
    let read = |row: Row| {
        let email: String = row.try_get("email")?;
        let own_words =
            OwnWords::new(&email, row.try_get("username")?, row.try_get("display_name")?);
        Ok(Standing {
            email,
            is_email_verified: row.try_get("email_verified")?,
            password_hash: row.try_get("password_hash")?,
            is_fresh: row.try_get("is_fresh")?,
            has_second_factor: row.try_get("has_second_factor")?,
            own_words,
        })
    };
    row.map(read).transpose().map_err(unreadable)
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

/// The users of a page that are looked for, and one more if there is a next page.
pub(super) async fn list(
    pool: &Pool,
    page: &Page,
    search: &Search,
) -> Result<Vec<(Key, User)>, Error> {
    pool.transaction((page, search), |transaction, (page, search)| {
        Box::pin(async move {
            // Which indexes help depends on what is looked for.
            transaction.row(include_str!("plan_anew.sql"), &[]).await?;
            let after = page.after.unwrap_or(Key { at: Timestamp::MAX, id: Uuid::max() });
            let limit = page.limit();
            let mut params: Vec<&(dyn ToSql + Sync)> = vec![&after.at, &after.id, &limit];
            params.extend(search.params());
            let rows = transaction.rows(LIST, &params).await?;
            rows.iter().map(|row| Ok((key(row)?, read(row)?))).collect()
        })
    })
    .await
}

/// Changes an account, as an actor wants.
pub(crate) async fn update(
    pool: &Pool,
    user_id: Uuid,
    changes: &Changes,
    actor: Option<Uuid>,
) -> Result<User, Error> {
    pool.transaction(changes, |transaction, changes| {
        Box::pin(async move {
            let Changes { meant, username, display_name } = changes;
            if let Some(reserved) = username.as_ref().filter(|name| name.is_reserved()) {
                // Whoever was given such a name may go on sending it.
                if find_in(transaction, user_id).await?.username != reserved.text {
                    return Err(Error::UsernameReserved);
                }
            }
            let (text, skeleton) =
                (username.as_ref().map(|it| &it.text), username.as_ref().map(|it| &it.skeleton));
            let meant = meant.versions();
            let params: [&(dyn ToSql + Sync); 5] =
                [&user_id, &meant, &text, display_name, &skeleton];
            let row = transaction.row(change!("update"), &params).await.map_err(taken)?;
            let user = outcome(row)?;
            let (kind, fields) = (audit::Kind::AccountChanged, changes.fields());
            audit(transaction, kind, (actor, user_id), &[("fields", &fields)]).await?;
            Ok(user)
        })
    })
    .await
}

/// Refuses to go on if nobody else is an admin. Until the transaction ends, nobody
/// becomes one or ceases to be.
pub(crate) async fn keep_an_admin(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<(), Error> {
    administration::lock_ranks(transaction).await?;
    let row = transaction.row(include_str!("is_last_admin.sql"), &[&user_id]).await?;
    let is_last = row.ok_or(Error::NotFound)?.try_get("is_last").map_err(unreadable)?;
    if is_last { Err(Error::LastAdmin) } else { Ok(()) }
}

/// Writes down what somebody did to an account.
async fn audit(
    transaction: &Transaction<'_>,
    kind: audit::Kind,
    (actor, user_id): (Option<Uuid>, Uuid),
    details: &[(&str, &str)],
) -> Result<(), Error> {
    let event = audit::Event { kind, actor, subject: Some(user_id), session: None, details };
    Ok(audit::record(transaction, &event).await?)
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
        Some("users_username_key" | "users_username_skeleton_key") => Error::UsernameTaken,
        _ => Error::Database(error),
    }
}

fn key(row: &Row) -> Result<Key, Error> {
    let read = || Ok(Key { at: row.try_get("created_at")?, id: row.try_get("user_id")? });
    read().map_err(unreadable)
}

/// An account as it is shown.
pub(crate) fn read(row: &Row) -> Result<User, Error> {
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
            suspended_at: row.try_get::<_, Option<Timestamp>>("suspended_at")?.map(to_proto),
            email_verified: row.try_get("email_verified")?,
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
            Self::NotFound
            | Self::Stale { .. }
            | Self::EmailTaken
            | Self::UsernameTaken
            | Self::LastAdmin
            | Self::UsernameReserved
            | Self::NoAddress => None,
        }
    }
}
