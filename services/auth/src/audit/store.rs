//! Events on their way into `PostgreSQL`, and checkpoints.

use std::collections::BTreeMap;

use aws_lc_rs::rand;
use database::{Error, Statement, Transaction};
use platform::request_id::RequestContext;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Checkpoint, Event, PRIVATE};

/// An event as it is written down.
#[derive(Debug)]
pub(crate) struct Line {
    kind: &'static str,
    actor: Option<Uuid>,
    subject: Option<Uuid>,
    session: Option<Uuid>,
    request_id: String,
    details: String,
    private: String,
    salt: Vec<u8>,
}

// === impl Line ===

impl Line {
    /// What is to be written down of an event.
    pub(crate) fn of(event: &Event<'_>) -> Self {
        let context = RequestContext::current();
        let request_id = context.as_ref().map(RequestContext::id).unwrap_or_default().to_owned();
        let client = context.as_ref().and_then(|context| context.client);
        let address = client.map(|client| client.address.to_string());
        let given = event.details.iter().copied();
        let (mut private, details): (BTreeMap<_, _>, BTreeMap<_, _>) =
            given.partition(|(name, _)| PRIVATE.contains(name));
        private.extend(address.as_deref().map(|address| ("address", address)));
        let (private, details) = (json(&private), json(&details));
        let private = if private == "{}" { String::new() } else { private };
        let salt = if private.is_empty() { Vec::new() } else { salt() };
        let &Event { kind, actor, subject, session, .. } = event;
        let kind = kind.name();
        Self { kind, actor, subject, session, request_id, details, private, salt }
    }

    /// What writes it down.
    pub(crate) fn statement(&self) -> Statement<'_> {
        let Self { kind, actor, subject, session, request_id, details, private, salt } = self;
        let sql = include_str!("insert.sql");
        Statement::new(sql, &[kind, actor, subject, session, request_id, details, private, salt])
    }
}

/// Writes an event down, to be there if and only if what happened is.
pub(crate) async fn record(transaction: &Transaction<'_>, event: &Event<'_>) -> Result<(), Error> {
    transaction.each(&[Line::of(event).statement()]).await?;
    Ok(())
}

/// Erases what is private in all events that a user is part of. The chain holds.
pub(crate) async fn forget(transaction: &Transaction<'_>, user_id: Uuid) -> Result<(), Error> {
    transaction.rows(include_str!("forget_inbox.sql"), &[&user_id]).await?;
    transaction.rows(include_str!("forget.sql"), &[&user_id]).await?;
    Ok(())
}

/// The checkpoint made last.
pub(crate) async fn last_checkpoint(
    transaction: &Transaction<'_>,
) -> Result<Option<Checkpoint>, Error> {
    let row = transaction.row(include_str!("last_checkpoint.sql"), &[]).await?;
    Ok(row.map(|row| read_checkpoint(&row)).transpose()?)
}

/// Adds a checkpoint.
pub(crate) async fn insert_checkpoint(
    transaction: &Transaction<'_>,
    checkpoint: &Checkpoint,
) -> Result<(), Error> {
    let it = checkpoint;
    let params: [&(dyn ToSql + Sync); 9] = [
        &it.number,
        &it.made_at,
        &it.position,
        &it.hash,
        &it.pruned_position,
        &it.pruned_hash,
        &it.previous,
        &it.key,
        &it.signature,
    ];
    transaction.row(include_str!("insert_checkpoint.sql"), &params).await?;
    Ok(())
}

pub(crate) fn read_checkpoint(row: &Row) -> Result<Checkpoint, tokio_postgres::Error> {
    Ok(Checkpoint {
        number: row.try_get("number")?,
        made_at: row.try_get("made_at")?,
        position: row.try_get("position")?,
        hash: row.try_get("hash")?,
        pruned_position: row.try_get("pruned_position")?,
        pruned_hash: row.try_get("pruned_hash")?,
        previous: row.try_get("previous")?,
        key: row.try_get("key")?,
        signature: row.try_get("signature")?,
    })
}

fn json(map: &BTreeMap<&str, &str>) -> String {
    serde_json::to_string(map).unwrap_or_default()
}

#[expect(clippy::expect_used, reason = "without randomness nothing here is safe to go on")]
fn salt() -> Vec<u8> {
    let mut salt = vec![0; 16];
    rand::fill(&mut salt).expect("the system's random numbers");
    salt
}
