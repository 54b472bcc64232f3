//! Events that get their places together.

use database::{Error, Transaction};
use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::chain::{Entry, mark};

/// At most so many get their place in one transaction.
const MOST: usize = 500;

/// An end of the chain.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) position: i64,
    pub(super) hash: Vec<u8>,
    pub(super) now: Timestamp,
}

/// Events that get their places together, column by column.
#[derive(Debug, Default)]
pub(super) struct Columns {
    positions: Vec<i64>,
    sequences: Vec<i64>,
    times: Vec<Timestamp>,
    kinds: Vec<String>,
    actors: Vec<Option<Uuid>>,
    subjects: Vec<Option<Uuid>>,
    sessions: Vec<Option<Uuid>>,
    requests: Vec<String>,
    details: Vec<String>,
    marks: Vec<Vec<u8>>,
    hashes: Vec<Vec<u8>>,
    private: (Vec<i64>, Vec<String>, Vec<Vec<u8>>),
}

/// Takes events out of the inbox and gives them the places behind an end; returns
/// them and the new end.
pub(super) async fn take(
    transaction: &Transaction<'_>,
    mut head: Head,
) -> Result<(Columns, Head), Error> {
    let limit = i64::try_from(MOST).unwrap_or(i64::MAX);
    let rows = transaction.rows(include_str!("take.sql"), &[&limit]).await?;
    let mut columns = Columns::default();
    for row in rows {
        let (private, salt): (String, Vec<u8>) = (row.try_get("private")?, row.try_get("salt")?);
        let entry = Entry {
            position: head.position + 1,
            chained_at: head.now,
            sequence: row.try_get("sequence")?,
            occurred_at: row.try_get("occurred_at")?,
            kind: row.try_get("kind")?,
            actor_id: row.try_get("actor_id")?,
            subject_id: row.try_get("subject_id")?,
            session_id: row.try_get("session_id")?,
            request_id: row.try_get("request_id")?,
            details: row.try_get("details")?,
            private_mark: mark(&salt, &private),
        };
        head.position = entry.position;
        head.hash = entry.hash(&head.hash);
        columns.push(entry, head.hash.clone(), (private, salt));
    }
    Ok((columns, head))
}

// === impl Columns ===

impl Columns {
    fn push(&mut self, entry: Entry, hash: Vec<u8>, (private, salt): (String, Vec<u8>)) {
        if !private.is_empty() {
            self.private.0.push(entry.position);
            self.private.1.push(private);
            self.private.2.push(salt);
        }
        self.positions.push(entry.position);
        self.sequences.push(entry.sequence);
        self.times.push(entry.occurred_at);
        self.kinds.push(entry.kind);
        self.actors.push(entry.actor_id);
        self.subjects.push(entry.subject_id);
        self.sessions.push(entry.session_id);
        self.requests.push(entry.request_id);
        self.details.push(entry.details);
        self.marks.push(entry.private_mark);
        self.hashes.push(hash);
    }

    /// Whether there may be more to take.
    pub(super) fn is_full(&self) -> bool {
        self.positions.len() == MOST
    }

    /// Puts them behind the end.
    pub(super) async fn append(
        &self,
        transaction: &Transaction<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        if self.positions.is_empty() {
            return Ok(());
        }
        let params: [&(dyn ToSql + Sync); 12] = [
            &self.positions,
            &self.sequences,
            &self.times,
            &self.kinds,
            &self.actors,
            &self.subjects,
            &self.sessions,
            &self.requests,
            &self.details,
            &self.marks,
            &self.hashes,
            &now,
        ];
        transaction.rows(include_str!("append.sql"), &params).await?;
        let (positions, private, salts) = &self.private;
        let params: [&(dyn ToSql + Sync); 3] = [positions, private, salts];
        transaction.rows(include_str!("keep_private.sql"), &params).await?;
        Ok(())
    }
}
