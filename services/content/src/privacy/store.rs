//! What authors have in `PostgreSQL`.

use database::{Error, Pool};
use jiff::Timestamp;
use platform::{page::Key, time::to_proto};
use proto::content::v1::ExportAuthorResponse;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::posts;

/// Erases the posts of a user and returns how many there were.
pub(super) async fn erase_posts(pool: &Pool, user_id: Uuid) -> Result<i32, Error> {
    // Some at a time: no statement may take long.
    let mut all = 0;
    loop {
        let row = pool.row(include_str!("erase_posts.sql"), &[&user_id]).await?;
        match row.map_or(Ok(0), |row| row.try_get("posts"))? {
            0 => return Ok(all),
            posts => all += posts,
        }
    }
}

/// Some posts of an author, those written next after a place.
pub(super) async fn list_posts(
    pool: &Pool,
    author_id: Uuid,
    after: Key,
    limit: i64,
) -> Result<Vec<(Key, ExportAuthorResponse)>, posts::Error> {
    let params: [&(dyn ToSql + Sync); 4] = [&author_id, &after.at, &after.id, &limit];
    let rows = pool.rows(include_str!("list_posts.sql"), &params).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<(Key, ExportAuthorResponse), posts::Error> {
    let mut post = posts::read(row)?;
    post.author = None;
    let more = || {
        let key = Key { at: row.try_get("created_at")?, id: row.try_get("post_id")? };
        Ok((key, row.try_get::<_, Option<Timestamp>>("first_published_at")?))
    };
    let (key, first) = more().map_err(|error: tokio_postgres::Error| Error::from(error))?;
    let first_published_at = first.map(to_proto);
    Ok((key, ExportAuthorResponse { post: Some(post), first_published_at }))
}
