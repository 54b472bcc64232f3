//! Checking the log: every event has the hash that follows from what it says and
//! from the event before, and every checkpoint was signed by us.

use std::collections::BTreeMap;

use database::{Cause, Pool, Transaction};
use jiff::Timestamp;
use platform::sign::PublicKey;
use tokio_postgres::{Row, types::ToSql};

use super::{Checkpoint, LOCK};
use crate::audit::{Entry, GENESIS, mark, read_checkpoint};

const PAGE: i64 = 1_000;

/// What is believed, whatever the database says.
#[derive(Clone, Debug, Default)]
pub struct Trusted {
    /// The keys that may have signed checkpoints.
    pub keys: Vec<PublicKey>,
    /// Checkpoints that were kept elsewhere.
    pub witnesses: Vec<Checkpoint>,
}

/// A log in which everything is as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// How many events there are.
    pub events: i64,
    /// The place of the last one.
    pub last: i64,
    /// The place of the last one that was dropped because it was old; 0: none was.
    pub pruned: i64,
    /// How many checkpoints there are.
    pub checkpoints: i64,
    /// How many events no checkpoint covers yet.
    pub uncovered: i64,
    /// In how many events what is private was erased.
    pub erased: i64,
    /// How many events wait for their place.
    pub waiting: i64,
}

/// The first place where the log is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentences say it")]
pub enum Broken {
    #[error("event {0} is missing")]
    Missing(i64),
    #[error("event {0} was put in: its place is taken or was dropped")]
    PutIn(i64),
    #[error(
        "event {0} was changed: its hash does not follow from what it says and from the one before"
    )]
    Changed(i64),
    #[error("event {0} was changed: what is private in it is not what was written")]
    PrivateChanged(i64),
    #[error("event {0} is not the one that a checkpoint was signed for: the chain was made anew")]
    Remade(i64),
    #[error("checkpoint {0} is missing")]
    CheckpointMissing(i64),
    #[error("checkpoint {0} was changed, or signed by somebody else")]
    CheckpointChanged(i64),
    #[error("checkpoint {0} is not the one that is known elsewhere: the database was put back")]
    CheckpointRemade(i64),
}

/// Why a log cannot be said to be right.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The database did not do what it was asked.
    #[error(transparent)]
    Database(#[from] database::Error),
}

/// The chain as far as it was walked.
#[derive(Debug)]
struct Walk {
    position: i64,
    hash: Vec<u8>,
    chained_at: Timestamp,
    /// What checkpoints say of places.
    signed: BTreeMap<i64, Vec<u8>>,
    findings: Findings,
}

/// Checks the whole log.
pub async fn verify(pool: &Pool, trusted: &Trusted) -> Result<Findings, Error> {
    pool.transaction(trusted, |transaction, trusted| {
        Box::pin(async move {
            transaction.row(include_str!("lock_shared.sql"), &[&LOCK]).await?;
            let mut walk = checkpoints(transaction, trusted).await?;
            while events(transaction, &mut walk).await? {}
            walk.end()?;
            let stray = transaction.row(include_str!("stray.sql"), &[]).await?;
            if let Some(row) = stray {
                return Err(Broken::PrivateChanged(get(&row, "position")?).into());
            }
            let waiting = transaction.row(include_str!("waiting.sql"), &[]).await?;
            walk.findings.waiting = waiting.map_or(Ok(0), |row| get(&row, "waiting"))?;
            Ok(walk.findings)
        })
    })
    .await
}

/// Checks the checkpoints, and begins where the last one says that the log begins.
async fn checkpoints(transaction: &Transaction<'_>, trusted: &Trusted) -> Result<Walk, Error> {
    let mut witnesses: BTreeMap<_, _> =
        trusted.witnesses.iter().map(|witness| (witness.number, witness)).collect();
    let (mut last, mut signed) = (None::<Checkpoint>, BTreeMap::new());
    loop {
        let number = last.as_ref().map_or(0, |last| last.number);
        let params: [&(dyn ToSql + Sync); 2] = [&number, &PAGE];
        let rows = transaction.rows(include_str!("checkpoints.sql"), &params).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let next = read_checkpoint(&row).map_err(database::Error::from)?;
            check(last.as_ref(), &next, &trusted.keys)?;
            if witnesses.remove(&next.number).is_some_and(|witness| *witness != next) {
                return Err(Broken::CheckpointRemade(next.number).into());
            }
            signed.insert(next.position, next.hash.clone());
            last = Some(next);
        }
    }
    if let Some(number) = witnesses.into_keys().next() {
        return Err(Broken::CheckpointMissing(number).into());
    }
    Ok(Walk::behind(last.as_ref(), signed))
}

fn check(last: Option<&Checkpoint>, next: &Checkpoint, keys: &[PublicKey]) -> Result<(), Broken> {
    let number = last.map_or(0, |last| last.number) + 1;
    if next.number != number {
        return Err(Broken::CheckpointMissing(number));
    }
    let previous = last.map_or_else(|| GENESIS.to_vec(), Checkpoint::digest);
    if next.previous != previous || !next.is_signed_by(keys) {
        return Err(Broken::CheckpointChanged(number));
    }
    Ok(())
}

/// Checks a page of events; whether there may be more.
async fn events(transaction: &Transaction<'_>, walk: &mut Walk) -> Result<bool, Error> {
    // What was put in before the beginning is seen on the first page.
    let after = if walk.findings.events == 0 { i64::MIN } else { walk.position };
    let params: [&(dyn ToSql + Sync); 3] = [&after, &walk.chained_at, &PAGE];
    let rows = transaction.rows(include_str!("events.sql"), &params).await?;
    for row in &rows {
        walk.step(row)?;
    }
    Ok(!rows.is_empty())
}

// === impl Walk ===

impl Walk {
    fn behind(last: Option<&Checkpoint>, mut signed: BTreeMap<i64, Vec<u8>>) -> Self {
        let pruned = last.map_or(0, |last| last.pruned_position);
        let hash = last.map_or_else(|| GENESIS.to_vec(), |last| last.pruned_hash.clone());
        let signed = signed.split_off(&(pruned + 1));
        let checkpoints = last.map_or(0, |last| last.number);
        let findings = Findings { pruned, checkpoints, last: pruned, ..Findings::default() };
        Self { position: pruned, hash, chained_at: Timestamp::UNIX_EPOCH, signed, findings }
    }

    fn step(&mut self, row: &Row) -> Result<(), Error> {
        let entry = read(row).map_err(database::Error::from)?;
        let (hash, position): (Vec<u8>, _) = (get(row, "hash")?, entry.position);
        if position <= self.position {
            return Err(Broken::PutIn(position).into());
        }
        if position != self.position + 1 {
            return Err(Broken::Missing(self.position + 1).into());
        }
        if entry.hash(&self.hash) != hash || entry.chained_at < self.chained_at {
            return Err(Broken::Changed(position).into());
        }
        self.findings.uncovered = match self.signed.remove(&position) {
            Some(signed) if signed != hash => return Err(Broken::Remade(position).into()),
            Some(_) => 0,
            None => self.findings.uncovered + 1,
        };
        match (get::<Option<String>>(row, "private")?, get::<Option<Vec<u8>>>(row, "salt")?) {
            (Some(private), Some(salt)) if mark(&salt, &private) != entry.private_mark => {
                return Err(Broken::PrivateChanged(position).into());
            }
            (None, _) if !entry.private_mark.is_empty() => self.findings.erased += 1,
            _ => {}
        }
        self.findings.events += 1;
        (self.position, self.hash, self.chained_at) = (position, hash, entry.chained_at);
        self.findings.last = position;
        Ok(())
    }

    /// Nothing that was signed may be left.
    fn end(&self) -> Result<(), Broken> {
        match self.signed.first_key_value() {
            None => Ok(()),
            Some(_) => Err(Broken::Missing(self.position + 1)),
        }
    }
}

fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: &str,
) -> Result<T, database::Error> {
    Ok(row.try_get(column)?)
}

fn read(row: &Row) -> Result<Entry, tokio_postgres::Error> {
    Ok(Entry {
        position: row.try_get("position")?,
        chained_at: row.try_get("chained_at")?,
        sequence: row.try_get("sequence")?,
        occurred_at: row.try_get("occurred_at")?,
        kind: row.try_get("kind")?,
        actor_id: row.try_get("actor_id")?,
        subject_id: row.try_get("subject_id")?,
        session_id: row.try_get("session_id")?,
        request_id: row.try_get("request_id")?,
        details: row.try_get("details")?,
        private_mark: row.try_get("private_mark")?,
    })
}

impl Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Broken(_) => None,
            Self::Database(error) => Some(error),
        }
    }
}
