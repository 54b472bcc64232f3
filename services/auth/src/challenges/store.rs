//! Letters that are to be answered, in `PostgreSQL`.

use database::{Error, Pool, Transaction};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Answer, Challenge, Codes, Purpose};
use crate::secrets::Token;

/// Finds the letter that somebody answers, if they answer well. A code is a try
/// that counts, whatever comes of it.
pub(crate) async fn find(
    pool: &Pool,
    codes: &Codes,
    answer: &Answer,
    purposes: &[Purpose],
) -> Result<Option<Challenge>, Error> {
    let purposes: Vec<_> = purposes.iter().map(|purpose| purpose.name()).collect();
    match answer {
        Answer::Token(token) => {
            let params: [&(dyn ToSql + Sync); 2] = [&token.hash(), &purposes];
            let row = pool.row(include_str!("find.sql"), &params).await?;
            Ok(row.map(|row| read(&row)).transpose()?.map(|(challenge, _)| challenge))
        }
        Answer::Code { email, code } => {
            let params: [&(dyn ToSql + Sync); 2] = [email, &purposes];
            let rows = pool.rows(include_str!("try_code.sql"), &params).await?;
            let tried = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            let right = tried.into_iter().find(|(it, sealed)| codes.is(it, code, sealed));
            Ok(right.map(|(challenge, _)| challenge))
        }
    }
}

/// Uses a letter up; false if it was used or its time ended meanwhile.
pub(crate) async fn use_up(transaction: &Transaction<'_>, id: Uuid) -> Result<bool, Error> {
    let row = transaction.row(include_str!("use.sql"), &[&id]).await?;
    Ok(row.is_some())
}

/// Makes the letters about an account worthless.
pub(crate) async fn cancel(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    purposes: &[Purpose],
) -> Result<(), Error> {
    let purposes: Vec<_> = purposes.iter().map(|purpose| purpose.name()).collect();
    transaction.rows(include_str!("cancel.sql"), &[&user_id, &purposes]).await?;
    Ok(())
}

/// Whether an address was written to enough lately. Nobody else writes to it until
/// the transaction ends.
pub(super) async fn is_too_many(
    transaction: &Transaction<'_>,
    email: &str,
    purpose: Purpose,
) -> Result<bool, Error> {
    transaction.row(include_str!("lock.sql"), &[&email]).await?;
    let params: [&(dyn ToSql + Sync); 2] = [&email, &purpose.name()];
    let row = transaction.row(include_str!("recent.sql"), &params).await?;
    Ok(row.map_or(Ok(false), |row| row.try_get("is_too_many"))?)
}

pub(super) async fn insert(
    transaction: &Transaction<'_>,
    challenge: &Challenge,
    token: &Token,
    sealed_code: &[u8],
    minutes: u32,
) -> Result<(), Error> {
    let Challenge { id, purpose, email, user_id } = challenge;
    let minutes = minutes.cast_signed();
    let params: [&(dyn ToSql + Sync); 7] =
        [id, &purpose.name(), email, user_id, &token.hash(), &sealed_code, &minutes];
    transaction.row(include_str!("insert.sql"), &params).await?;
    Ok(())
}

fn read(row: &Row) -> Result<(Challenge, Vec<u8>), Error> {
    let purpose: &str = row.try_get("purpose")?;
    let challenge = Challenge {
        id: row.try_get("challenge_id")?,
        // The table knows no others.
        purpose: Purpose::named(purpose).unwrap_or(Purpose::Verify),
        email: row.try_get("email")?,
        user_id: row.try_get("user_id")?,
    };
    Ok((challenge, row.try_get("code")?))
}
