//! Reading the log: lists and what watchers are sent.

use std::collections::BTreeMap;

use database::{Error, Pool};
use jiff::Timestamp;
use platform::{
    page::{Key, Page},
    time::to_proto,
};
use proto::auth::v1::{AuditCheckpoint, AuditDetail, AuditEvent};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{checkpoint::text_of, store::read_checkpoint};

macro_rules! statement {
    ($which:literal, $order:literal) => {
        concat!(include_str!($which), include_str!("row.sql"), include_str!($order))
    };
}

/// Which events are looked for.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) kind: Prefix,
    pub(super) actor: Option<Uuid>,
    pub(super) subject: Option<Uuid>,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
}

/// The kinds that begin alike, as bounds that an index understands.
#[derive(Clone, Debug)]
pub(super) struct Prefix {
    from: String,
    below: String,
}

// === impl Prefix ===

impl Prefix {
    pub(super) fn new(kind: Option<String>) -> Self {
        let from = kind.unwrap_or_default();
        let below = format!("{from}{}", char::MAX);
        Self { from, below }
    }
}

/// The events of a page, newest first, and one more if there is a next page.
pub(super) async fn list(
    pool: &Pool,
    page: &Page,
    search: &Search,
) -> Result<Vec<(Key, AuditEvent)>, Error> {
    let Search { kind, actor, subject, since, until } = search;
    let (before, limit) = (before(page), page.limit());
    let params: [&(dyn ToSql + Sync); 8] =
        [&before, &kind.from, &kind.below, actor, subject, since, until, &limit];
    let rows = pool.rows(statement!("list.sql", "newest_first.sql"), &params).await?;
    Ok(rows.iter().map(with_key).collect::<Result<_, _>>()?)
}

/// The same of what happened to a user, without what belongs to others.
pub(super) async fn list_own(
    pool: &Pool,
    page: &Page,
    user_id: Uuid,
) -> Result<Vec<(Key, AuditEvent)>, Error> {
    let (before, limit) = (before(page), page.limit());
    let params: [&(dyn ToSql + Sync); 3] = [&before, &user_id, &limit];
    let rows = pool.rows(statement!("list_own.sql", "newest_first.sql"), &params).await?;
    let read = |row: &Row| Ok((key(row.try_get("position")?), read_own(row, user_id)?));
    Ok(rows.iter().map(read).collect::<Result<_, tokio_postgres::Error>>()?)
}

/// Events behind a place, in the order of the chain.
pub(super) async fn follow(
    pool: &Pool,
    after: i64,
    kind: &Prefix,
    limit: i64,
) -> Result<Vec<(i64, AuditEvent)>, Error> {
    let params: [&(dyn ToSql + Sync); 4] = [&after, &kind.from, &kind.below, &limit];
    let rows = pool.rows(statement!("follow.sql", "oldest_first.sql"), &params).await?;
    let rows = rows.iter().map(|row| Ok((row.try_get("position")?, read(row)?)));
    Ok(rows.collect::<Result<_, tokio_postgres::Error>>()?)
}

/// Whether a session is one of an admin still.
pub(super) async fn may_watch(pool: &Pool, session_id: Uuid) -> Result<bool, Error> {
    Ok(pool.row(include_str!("may_watch.sql"), &[&session_id]).await?.is_some())
}

/// The checkpoints of a page, newest first, and one more if there is a next page.
pub(super) async fn list_checkpoints(
    pool: &Pool,
    page: &Page,
) -> Result<Vec<(Key, AuditCheckpoint)>, Error> {
    let params: [&(dyn ToSql + Sync); 2] = [&before(page), &page.limit()];
    let rows = pool.rows(include_str!("list_checkpoints.sql"), &params).await?;
    let read = |row: &Row| {
        let it = read_checkpoint(row)?;
        let shown = AuditCheckpoint {
            id: it.number.to_string(),
            made_at: Some(to_proto(it.made_at)),
            position: it.position.to_string(),
            hash: text_of(&it.hash),
            pruned_position: it.pruned_position.to_string(),
            pruned_hash: text_of(&it.pruned_hash),
            previous: text_of(&it.previous),
            key: text_of(&it.key),
            signature: text_of(&it.signature),
        };
        Ok((key(it.number), shown))
    };
    Ok(rows.iter().map(read).collect::<Result<_, tokio_postgres::Error>>()?)
}

/// Page tokens hold a time and an id; a place is all that these lists need.
fn key(place: i64) -> Key {
    let id = Uuid::from_u64_pair(0, place.unsigned_abs());
    Key { at: Timestamp::UNIX_EPOCH, id }
}

fn before(page: &Page) -> i64 {
    let place = |after: Key| i64::try_from(after.id.as_u64_pair().1).unwrap_or(i64::MAX);
    page.after.map_or(i64::MAX, place)
}

fn with_key(row: &Row) -> Result<(Key, AuditEvent), tokio_postgres::Error> {
    Ok((key(row.try_get("position")?), read(row)?))
}

/// An event as the user sees it to whom it happened: without what is private to others.
pub(super) fn read_own(row: &Row, user_id: Uuid) -> Result<AuditEvent, tokio_postgres::Error> {
    let mut event = read(row)?;
    if !event.actor_id.is_empty() && event.actor_id != user_id.to_string() {
        event.address.clear();
        event.details.retain(|detail| !super::PRIVATE.contains(&&*detail.name));
    }
    Ok(event)
}

fn read(row: &Row) -> Result<AuditEvent, tokio_postgres::Error> {
    let id = |name| {
        let id: Option<Uuid> = row.try_get(name)?;
        Ok::<_, tokio_postgres::Error>(id.map(|id| id.to_string()).unwrap_or_default())
    };
    let mut more = texts(row.try_get("details")?);
    more.append(&mut texts(row.try_get("private")?));
    let address = more.remove("address").unwrap_or_default();
    Ok(AuditEvent {
        id: row.try_get::<_, i64>("position")?.to_string(),
        occurred_at: Some(to_proto(row.try_get("occurred_at")?)),
        kind: row.try_get("kind")?,
        actor_id: id("actor_id")?,
        subject_id: id("subject_id")?,
        session_id: id("session_id")?,
        address,
        request_id: row.try_get("request_id")?,
        details: more.into_iter().map(|(name, value)| AuditDetail { name, value }).collect(),
    })
}

fn texts(json: &str) -> BTreeMap<String, String> {
    serde_json::from_str(json).unwrap_or_default()
}
