//! Erasures in `PostgreSQL`.

use aws_lc_rs::rand;
use database::{Error, Pool, Transaction};
use jiff::Timestamp;
use platform::time::to_proto;
use proto::auth::v1::Erasure;
use tokio_postgres::{Row, types::ToSql};
use uuid::{Builder, Uuid};

use super::Begun;
use crate::{
    audit,
    mail::{Letter, PostOffice},
    sessions, users,
};

/// Erases an account here, and leaves word that the rest is to be erased, too.
pub(crate) async fn begin(
    transaction: &Transaction<'_>,
    post_office: &PostOffice,
    user_id: Uuid,
    by: Option<Uuid>,
) -> Result<Erasure, users::Error> {
    users::keep_an_admin(transaction, user_id).await?;
    let id = random_id();
    let row = transaction.row(include_str!("count_sessions.sql"), &[&user_id]).await?;
    let sessions = row.map_or(Ok(0), |row| row.try_get::<_, i32>("sessions"));
    let sessions = sessions.map_err(unreadable)?;
    // Whoever listens for the end of sessions hears of it.
    sessions::end_all(transaction, user_id, None).await?;
    transaction.rows(include_str!("erase_letters.sql"), &[&user_id]).await?;
    transaction.rows(include_str!("erase_challenges.sql"), &[&user_id]).await?;
    let row = transaction.row(include_str!("erase_user.sql"), &[&user_id]).await?;
    let row = row.ok_or(users::Error::NotFound)?;
    let email: String = row.try_get("email").map_err(unreadable)?;
    let params: [&(dyn ToSql + Sync); 3] = [&id, &user_id, &sessions];
    let row = transaction.row(include_str!("begin.sql"), &params).await?;
    let begun_at: Option<Timestamp> =
        row.map(|row| row.try_get("begun_at")).transpose().map_err(unreadable)?;
    let letter = Letter::AccountErased { receipt: id.to_string() };
    post_office.take(transaction, &email, &letter).await?;
    let event = audit::Event {
        kind: audit::Kind::AccountDeleted,
        actor: by,
        subject: Some(user_id),
        session: None,
        details: &[],
    };
    audit::record(transaction, &event).await?;
    audit::forget(transaction, user_id).await?;
    let receipt_number = id.to_string();
    Ok(Erasure { receipt_number, begun_at: begun_at.map(to_proto), ..Erasure::default() })
}

/// Takes an erasure that is due; nobody else goes on with it for a while.
pub(super) async fn claim(pool: &Pool) -> Result<Option<Begun>, Error> {
    let row = pool.row(include_str!("claim.sql"), &[]).await?;
    let read = |row: Row| {
        Ok::<_, tokio_postgres::Error>(Begun {
            id: row.try_get("erasure_id")?,
            user_id: row.try_get("user_id")?,
            sessions: row.try_get("sessions")?,
            at: row.try_get("begun_at")?,
        })
    };
    Ok(row.map(read).transpose()?)
}

/// Writes down what content has erased, and returns how much that was in all; none
/// while somebody may still be writing whose token was good a moment ago.
pub(super) async fn content_erased(
    pool: &Pool,
    id: Uuid,
    posts: i32,
) -> Result<Option<i32>, Error> {
    let row = pool.row(include_str!("content_erased.sql"), &[&id, &posts]).await?;
    let Some(row) = row.filter(|row| row.try_get("is_settled").unwrap_or(false)) else {
        return Ok(None);
    };
    Ok(Some(row.try_get("posts")?))
}

/// Writes down that nothing is left.
pub(super) async fn done(pool: &Pool, id: Uuid, receipt: &str) -> Result<(), Error> {
    pool.row(include_str!("done.sql"), &[&id, &receipt]).await.map(drop)
}

pub(super) async fn find(pool: &Pool, id: Uuid) -> Result<Option<Erasure>, Error> {
    let row = pool.row(include_str!("find.sql"), &[&id]).await?;
    let read = |row: Row| {
        let done_at: Option<Timestamp> = row.try_get("done_at")?;
        Ok::<_, tokio_postgres::Error>(Erasure {
            receipt_number: row.try_get::<_, Uuid>("erasure_id")?.to_string(),
            begun_at: Some(to_proto(row.try_get("begun_at")?)),
            done_at: done_at.map(to_proto),
            receipt: row.try_get("receipt")?,
        })
    };
    Ok(row.map(read).transpose()?)
}

/// An id that nobody can guess.
#[expect(clippy::expect_used, reason = "without randomness nothing here is safe to go on")]
fn random_id() -> Uuid {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).expect("the system's random numbers");
    Builder::from_random_bytes(bytes).into_uuid()
}

fn unreadable(error: tokio_postgres::Error) -> users::Error {
    users::Error::Database(error.into())
}
