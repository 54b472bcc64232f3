//! Sessions that end before their time. Nothing else ends any.

use database::{Done, Once, Pool, Statement, Transaction};
use proto::auth::v1::EndSessionsResponse;
use tokio_postgres::Row;
use uuid::Uuid;

use super::Error;
use crate::{
    audit,
    challenges::{self, Purpose},
    defence::{Defence, Who},
};

/// What one statement deletes.
const AT_A_TIME: usize = 200;

/// Ends a session of a user, as an actor wants.
pub(super) async fn end(
    pool: &Pool,
    session_id: Uuid,
    user_id: Uuid,
    actor: Option<Uuid>,
) -> Result<(), Error> {
    pool.transaction((session_id, user_id), |transaction, &(session_id, user_id)| {
        Box::pin(async move {
            end_one(transaction, session_id, user_id).await?.ok_or(Error::NotFound)?;
            record(transaction, session_id, user_id, actor).await
        })
    })
    .await
}

/// Ends a session and leaves it to the caller to write down why; none if it had
/// ended.
pub(super) async fn end_one(
    transaction: &Transaction<'_>,
    session_id: Uuid,
    user_id: Uuid,
) -> Result<Option<()>, Error> {
    let row = transaction.row(include_str!("end.sql"), &[&session_id, &user_id]).await?;
    Ok(row.map(drop))
}

/// Ends a session in which somebody guesses at the password of its user.
pub(crate) async fn end_for_guesses(pool: &Pool, defence: &Defence, who: Who) -> Result<(), Error> {
    pool.transaction((defence, who), |transaction, &(defence, who)| {
        Box::pin(async move {
            let Who { user_id, session_id } = who;
            if end_one(transaction, session_id, user_id).await?.is_some() {
                let kind = audit::Kind::SessionGuessed;
                let event = audit::Event::of_session(kind, None, user_id, session_id);
                audit::record(transaction, &event).await?;
            }
            Ok(defence.forgive_proofs(transaction, user_id).await?)
        })
    })
    .await
}

/// Ends the sessions of a user at their own wish, all or all but one.
pub(super) async fn end_many(
    once: &Once<'_>,
    user_id: Uuid,
    except: Option<Uuid>,
    actor: Option<Uuid>,
) -> Result<Done<EndSessionsResponse>, Error> {
    once.transaction((user_id, except, actor), |transaction, &(user_id, except, actor)| {
        Box::pin(async move {
            let ended = end_all(transaction, user_id, except).await?;
            for session_id in &ended {
                record(transaction, *session_id, user_id, actor).await?;
            }
            let forget = except.is_none().then(String::new);
            Ok(EndSessionsResponse {
                ended: u32::try_from(ended.len()).unwrap_or(u32::MAX),
                access_token: forget.clone(),
                refresh_token: forget,
            })
        })
    })
    .await
}

/// Ends the sessions of a user, all or all but one, and returns which.
pub(crate) async fn end_all(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    except: Option<Uuid>,
) -> Result<Vec<Uuid>, database::Error> {
    if except.is_none() {
        // Whoever was signed in may have asked for another address.
        challenges::cancel(transaction, user_id, &[Purpose::Change]).await?;
    }
    let rows = transaction.rows(include_str!("end_all.sql"), &[&user_id, &except]).await?;
    let ended = rows.iter().map(|row| row.try_get("session_id"));
    Ok(ended.collect::<Result<_, _>>()?)
}

/// Deletes sessions that have expired, and what belongs to them: a long one has
/// thousands of used tokens.
pub(crate) async fn sweep(pool: &Pool) -> Result<(), database::Error> {
    while pool.rows(include_str!("sweep.sql"), &[]).await?.len() == AT_A_TIME {}
    Ok(())
}

/// What finds the oldest sessions of a user who has too many.
pub(super) fn finding_oldest(user_id: &Uuid) -> Statement<'_> {
    Statement::new(include_str!("oldest.sql"), &[user_id])
}

/// Ends those that were found.
pub(super) async fn end_oldest(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    found: &[Row],
) -> Result<(), Error> {
    for row in found {
        let session_id = row.try_get("session_id").map_err(database::Error::from)?;
        end_one(transaction, session_id, user_id).await?;
        record(transaction, session_id, user_id, Some(user_id)).await?;
    }
    Ok(())
}

/// What is written down of a session that another takes the place of: a browser has
/// room for one, so nobody could use it any more but whoever stole its tokens.
pub(super) fn replaced((session_id, user_id): (Uuid, Uuid)) -> audit::Line {
    let kind = audit::Kind::SessionEnded;
    audit::Line::of(&audit::Event::of_session(kind, None, user_id, session_id))
}

async fn record(
    transaction: &Transaction<'_>,
    session_id: Uuid,
    user_id: Uuid,
    actor: Option<Uuid>,
) -> Result<(), Error> {
    let event = audit::Event::of_session(audit::Kind::SessionEnded, actor, user_id, session_id);
    Ok(audit::record(transaction, &event).await?)
}
