//! Posts in `PostgreSQL`: one function per statement.

use database::Pool;
use jiff::Timestamp;
use platform::{
    page::{Key, Page},
    time::to_proto,
};
use proto::{auth::v1::Profile, content::v1::Post};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Changes, Draft, Error, Shelf, Writer};

macro_rules! statement {
    ($file:literal) => {
        concat!(include_str!($file), include_str!("row.sql"))
    };
}

type Params<'a, const N: usize> = [&'a (dyn ToSql + Sync); N];

pub(crate) async fn insert(pool: &Pool, draft: &Draft) -> Result<Post, Error> {
    let Draft { id, author_id, slug, post } = draft;
    for slug in &slug.0 {
        let params: Params<'_, 6> = [id, author_id, slug, &post.title, &post.body, &post.tags];
        let row = pool.row(statement!("insert.sql"), &params).await;
        if !is_slug_taken(&row) {
            return read(&row?.ok_or(Error::NotFound)?);
        }
    }
    Err(Error::SlugTaken)
}

pub(crate) async fn find(pool: &Pool, post_id: Uuid, reader: Option<Uuid>) -> Result<Post, Error> {
    let row = pool.row(statement!("find.sql"), &[&post_id, &reader]).await?;
    read(&row.ok_or(Error::NotFound)?)
}

/// The posts of a page, and one more if there is a next page.
pub(crate) async fn list(
    pool: &Pool,
    shelf: Shelf,
    page: &Page,
) -> Result<Vec<(Key, Post)>, Error> {
    let Key { at, id } = page.after.unwrap_or(Key { at: Timestamp::MAX, id: Uuid::max() });
    let limit = page.limit();
    let (rows, sorted_by) = match shelf {
        Shelf::Public => {
            let sql = statement!("list_published.sql");
            (pool.rows(sql, &[&at, &id, &limit]).await?, "published_at")
        }
        Shelf::Author { author_id, with_drafts } => {
            let params: Params<'_, 5> = [&at, &id, &limit, &author_id, &with_drafts];
            (pool.rows(statement!("list_by_author.sql"), &params).await?, "created_at")
        }
    };
    rows.iter().map(|row| Ok((key(row, sorted_by)?, read(row)?))).collect()
}

pub(crate) async fn update(
    pool: &Pool,
    post_id: Uuid,
    writer: Writer,
    changes: Changes,
) -> Result<Post, Error> {
    let Changes { mask, slug, post } = changes;
    let title = mask.value("title", post.title);
    let body = mask.value("body", post.body);
    let tags = mask.list("tags", post.tags);
    let Writer { user_id, may_override } = writer;
    let slugs = slug.map_or_else(|| vec![None], |slug| slug.0.map(Some).to_vec());
    for slug in slugs {
        let params: Params<'_, 7> =
            [&post_id, &user_id, &may_override, &slug, &title, &body, &tags];
        let row = pool.row(statement!("update.sql"), &params).await;
        if !is_slug_taken(&row) {
            return changed(pool, post_id, row?).await;
        }
    }
    Err(Error::SlugTaken)
}

pub(crate) async fn publish(pool: &Pool, post_id: Uuid, writer: Writer) -> Result<Post, Error> {
    let params: Params<'_, 3> = [&post_id, &writer.user_id, &writer.may_override];
    let row = pool.row(statement!("publish.sql"), &params).await?;
    changed(pool, post_id, row).await
}

pub(crate) async fn unpublish(pool: &Pool, post_id: Uuid, writer: Writer) -> Result<Post, Error> {
    let params: Params<'_, 3> = [&post_id, &writer.user_id, &writer.may_override];
    let row = pool.row(statement!("unpublish.sql"), &params).await?;
    changed(pool, post_id, row).await
}

pub(crate) async fn delete(pool: &Pool, post_id: Uuid, writer: Writer) -> Result<(), Error> {
    let params: Params<'_, 3> = [&post_id, &writer.user_id, &writer.may_override];
    match pool.row(include_str!("delete.sql"), &params).await? {
        Some(_deleted) => Ok(()),
        None => Err(refusal(pool, post_id).await),
    }
}

async fn changed(pool: &Pool, post_id: Uuid, row: Option<Row>) -> Result<Post, Error> {
    match row {
        Some(row) => read(&row),
        None => Err(refusal(pool, post_id).await),
    }
}

/// Why a post was not changed: it is somebody else's, or not there for the caller.
async fn refusal(pool: &Pool, post_id: Uuid) -> Error {
    match pool.row(include_str!("is_public.sql"), &[&post_id]).await {
        Ok(Some(_public)) => Error::NotYours,
        Ok(None) => Error::NotFound,
        Err(error) => Error::Database(error),
    }
}

/// Whether the author has another post with the slug that a statement gave.
fn is_slug_taken<T>(result: &Result<T, database::Error>) -> bool {
    let constraint = result.as_ref().err().and_then(database::Error::constraint);
    constraint == Some("posts_author_slug_key")
}

fn key(row: &Row, sorted_by: &str) -> Result<Key, Error> {
    let read = || Ok(Key { at: row.try_get(sorted_by)?, id: row.try_get("post_id")? });
    read().map_err(unreadable)
}

fn read(row: &Row) -> Result<Post, Error> {
    let read = || {
        let published_at: Option<Timestamp> = row.try_get("published_at")?;
        let status = if published_at.is_some() { "published" } else { "draft" };
        let author_id: Uuid = row.try_get("author_id")?;
        Ok(Post {
            id: row.try_get::<_, Uuid>("post_id")?.to_string(),
            author: Some(Profile { id: author_id.to_string(), ..Profile::default() }),
            title: row.try_get("title")?,
            slug: row.try_get("slug")?,
            body: row.try_get("body")?,
            tags: row.try_get("tags")?,
            status: status.to_owned(),
            published_at: published_at.map(to_proto),
            created_at: Some(to_proto(row.try_get("created_at")?)),
            updated_at: Some(to_proto(row.try_get("updated_at")?)),
        })
    };
    read().map_err(unreadable)
}

fn unreadable(error: tokio_postgres::Error) -> Error {
    Error::Database(error.into())
}
