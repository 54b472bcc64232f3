//! Posts in `PostgreSQL`: one function per statement.

use database::{Done, Once, Pool, Transaction};
use jiff::Timestamp;
use platform::{
    page::{Key, Page},
    time::to_proto,
};
use proto::{auth::v1::Profile, content::v1::Post};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Changes, Draft, Error, Shelf, Target};

macro_rules! statement {
    ($file:literal) => {
        concat!(include_str!($file), include_str!("row.sql"))
    };
}

/// A statement that changes a post and tells why if it does not.
macro_rules! change {
    ($verb:literal) => {
        concat!(
            "-- content.posts.",
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

type Params<'a, const N: usize> = [&'a (dyn ToSql + Sync); N];

pub(crate) async fn insert(
    once: &Once<'_>,
    draft: &Draft,
    author: Profile,
) -> Result<Done<Post>, Error> {
    once.transaction((draft, author), |transaction, (draft, author)| {
        Box::pin(async move {
            let Draft { id, author_id, slug, post } = draft;
            for slug in &slug.0 {
                let params: Params<'_, 6> =
                    [id, author_id, slug, &post.title, &post.body, &post.tags];
                if let Some(row) = transaction.row(statement!("insert.sql"), &params).await? {
                    return by(author, &row);
                }
            }
            Err(Error::SlugTaken)
        })
    })
    .await
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

pub(crate) async fn update(pool: &Pool, target: &Target, changes: Changes) -> Result<Post, Error> {
    let Changes { mask, slug, post } = changes;
    let title = mask.value("title", post.title);
    let body = mask.value("body", post.body);
    let tags = mask.list("tags", post.tags);
    let (post_id, user_id, may_override, meant) = target.params();
    let slugs = slug.map_or_else(|| vec![None], |slug| slug.0.map(Some).to_vec());
    for slug in slugs {
        let params: Params<'_, 8> =
            [&post_id, &user_id, &may_override, &meant, &slug, &title, &body, &tags];
        let row = pool.row(change!("update"), &params).await;
        if !is_slug_taken(&row) {
            return read(&outcome(row?)?);
        }
    }
    Err(Error::SlugTaken)
}

pub(crate) async fn publish(
    once: &Once<'_>,
    target: &Target,
    author: Profile,
) -> Result<Done<Post>, Error> {
    once.transaction((target, author), |transaction, (target, author)| {
        Box::pin(async move { by(author, &change(transaction, change!("publish"), target).await?) })
    })
    .await
}

pub(crate) async fn unpublish(
    once: &Once<'_>,
    target: &Target,
    author: Profile,
) -> Result<Done<Post>, Error> {
    once.transaction((target, author), |transaction, (target, author)| {
        Box::pin(
            async move { by(author, &change(transaction, change!("unpublish"), target).await?) },
        )
    })
    .await
}

pub(crate) async fn delete(pool: &Pool, target: &Target) -> Result<(), Error> {
    let (post_id, user_id, may_override, meant) = target.params();
    let params: Params<'_, 4> = [&post_id, &user_id, &may_override, &meant];
    outcome(pool.row(change!("delete"), &params).await?).map(drop)
}

/// Who wrote a post, if it is there.
pub(crate) async fn author(pool: &Pool, target: &Target) -> Result<Option<Uuid>, Error> {
    let row = pool.row(include_str!("author.sql"), &[&target.post_id]).await?;
    row.map(|row| row.try_get("author_id")).transpose().map_err(unreadable)
}

async fn change(
    transaction: &Transaction<'_>,
    sql: &'static str,
    target: &Target,
) -> Result<Row, Error> {
    let (post_id, user_id, may_override, meant) = target.params();
    let params: Params<'_, 4> = [&post_id, &user_id, &may_override, &meant];
    outcome(transaction.row(sql, &params).await?)
}

/// The changed post, or why it was not changed. No row: it is not there, or not
/// for the caller.
fn outcome(row: Option<Row>) -> Result<Row, Error> {
    let row = row.ok_or(Error::NotFound)?;
    let refusal = || {
        if row.try_get::<_, Option<Uuid>>("post_id")?.is_some() {
            return Ok(None);
        }
        if !row.try_get("is_writer")? {
            return Ok(Some(Error::NotYours));
        }
        let current_etag = row.try_get("current_etag")?;
        Ok(Some(Error::Stale { current_etag, changed_fields: row.try_get("changed_fields")? }))
    };
    match refusal().map_err(unreadable)? {
        Some(refusal) => Err(refusal),
        None => Ok(row),
    }
}

/// A post with the profile of its author.
fn by(author: &Profile, row: &Row) -> Result<Post, Error> {
    Ok(Post { author: Some(author.clone()), ..read(row)? })
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

/// A post as it is shown, but for who wrote it: of that there is the id.
pub(crate) fn read(row: &Row) -> Result<Post, Error> {
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
            etag: row.try_get("etag")?,
        })
    };
    read().map_err(unreadable)
}

// === impl Target ===

impl Target {
    /// What every change begins with.
    fn params(&self) -> (Uuid, Uuid, bool, Option<&[i64]>) {
        let Self { post_id, writer, meant } = self;
        (*post_id, writer.user_id, writer.may_override, meant.versions())
    }
}

impl database::Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::NotFound | Self::NotYours | Self::Stale { .. } | Self::SlugTaken => None,
        }
    }
}

fn unreadable(error: tokio_postgres::Error) -> Error {
    Error::Database(error.into())
}
