//! Events in `PostgreSQL`.

use database::{Error, Listener, Pool, Transaction};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Event, News, Seen, What};
use crate::sessions;

/// Tells that tokens of sessions are refused, in the transaction that is why. Rows of
/// `sessions` tell it by themselves; this is for whatever else a `sid` may name.
pub(crate) async fn revoke_sessions(
    transaction: &Transaction<'_>,
    session_ids: &[Uuid],
) -> Result<(), Error> {
    transaction.rows(include_str!("revoke_sessions.sql"), &[&session_ids]).await?;
    Ok(())
}

/// Refuses every token of a user until they are restored, and ends their sessions.
///
/// Whoever signs them in at the same moment waits, or is seen: so a sign-in that asks
/// whether the user is suspended must do it after its session is there.
pub(crate) async fn suspend_user(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<(), Error> {
    transaction.row(include_str!("lock_user.sql"), &[&user_id]).await?;
    sessions::end_all(transaction, user_id, None).await?;
    transaction.row(include_str!("refuse_user.sql"), &[&user_id]).await?;
    Ok(())
}

/// Lets a user be trusted again; their sessions stay ended.
pub(crate) async fn restore_user(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<(), Error> {
    transaction.row(include_str!("lock_user.sql"), &[&user_id]).await?;
    transaction.row(include_str!("restore_user.sql"), &[&user_id]).await?;
    Ok(())
}

/// What one statement forgets.
const AT_A_TIME: usize = 1_000;

/// Forgets what no token can be about any more.
pub(super) async fn forget(pool: &Pool) -> Result<(), Error> {
    while pool.rows(include_str!("forget.sql"), &[]).await?.len() == AT_A_TIME {}
    Ok(())
}

/// Listens to the database.
pub(super) async fn listen(pool: &Pool) -> Result<Listener, Error> {
    pool.listen(include_str!("listen.sql")).await
}

/// What may be new.
pub(super) async fn news(listener: &mut Listener, seen: &Seen) -> Result<News, Error> {
    let rows = listener.rows(include_str!("news.sql"), &[&seen.horizon]).await?;
    let first = rows.first().ok_or_else(|| Error::Config("no horizon".to_owned()))?;
    let horizon = first.try_get("horizon")?;
    let events = rows.iter().filter_map(|row| event(row).transpose());
    Ok(News { horizon, events: events.collect::<Result<_, _>>()? })
}

/// The event of a row; none if there was nothing but the horizon.
fn event(row: &Row) -> Result<Option<Event>, tokio_postgres::Error> {
    let Some(id) = row.try_get("event_id")? else { return Ok(None) };
    let kind: &str = row.try_get("kind")?;
    let subject = row.try_get::<_, Option<Uuid>>("subject_id")?;
    let what = match (kind, subject) {
        ("session_ended", Some(id)) => What::SessionEnded(id),
        ("user_refused", Some(id)) => What::UserRefused(id),
        ("user_restored", Some(id)) => What::UserRestored(id),
        // A newer binary may tell more: the keys are looked at once too often.
        _ => What::KeysChanged,
    };
    Ok(Some(Event { id, what, until: row.try_get("expires_at")? }))
}
