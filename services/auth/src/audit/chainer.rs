//! What gives events their places: one process of the deployment at a time.

use std::{sync::Arc, time::Duration};

use database::{Error, Pool, Transaction};
use platform::{server::Stopping, sign::Signer};
use tokio::{sync::watch, time::sleep};
use tracing::{instrument::WithSubscriber as _, subscriber::NoSubscriber};

use super::{
    Checkpoint, Failures,
    batch::{self, Head},
    checkpoint,
    store::{insert_checkpoint, last_checkpoint},
};

/// Any number; whoever holds it chains, or drops what is old.
pub(crate) const LOCK: i64 = 0x61_7564_6974;

/// How long an event waits for its place, at most and beside the work.
const TICK: Duration = Duration::from_millis(500);
/// After a failure, which is likely to last.
const PAUSE: Duration = Duration::from_secs(5);
/// So many events get a checkpoint, however little time has passed.
const MANY: i64 = 1_000;
/// Months are made ahead each so many ticks: about each hour.
const TICKS_PER_HOUR: u32 = 7_200;

/// Chains events and signs checkpoints, for as long as the process runs.
#[derive(Clone, Debug)]
pub(crate) struct Chainer {
    pool: Pool,
    signer: Arc<Signer>,
    /// A checkpoint is made when this has passed since the last one.
    every: Duration,
    failures: Failures,
    /// Tells watchers how far the chain goes.
    head: watch::Sender<i64>,
}

/// What one look came to.
#[derive(Debug)]
struct Chained {
    position: i64,
    checkpoint: Option<Checkpoint>,
    has_more: bool,
}

// === impl Chainer ===

impl Chainer {
    pub(crate) fn new(pool: Pool, signer: Signer, every: Duration, failures: Failures) -> Self {
        let (signer, head) = (Arc::new(signer), watch::Sender::new(0));
        Self { pool, signer, every, failures, head }
    }

    /// Tells how far the chain goes, again whenever it grows.
    pub(crate) fn head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// Makes room for the events of this month and the next ones.
    pub(crate) async fn add_months(&self) -> Result<(), Error> {
        self.pool
            .transaction((), |transaction, ()| {
                Box::pin(async move {
                    transaction.row(include_str!("wait.sql"), &[&LOCK]).await?;
                    transaction.rows(include_str!("add_months.sql"), &[]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Chains until the process is told to stop, and then what is left.
    pub(crate) async fn run(self, stopping: Stopping) {
        let (mut ticks, mut was_well) = (0_u32, true);
        loop {
            let done = self.tick(ticks).await;
            ticks = ticks.wrapping_add(1);
            let pause = if done.is_ok() { TICK } else { PAUSE };
            if let (Err(error), true) = (&done, was_well) {
                stalled(error);
            }
            was_well = done.is_ok();
            tokio::select! {
                () = stopping.told() => break,
                () = sleep(pause) => {}
            }
        }
        if let Err(error) = self.tick(0).await {
            stalled(&error);
        }
    }

    async fn tick(&self, tick: u32) -> Result<(), Error> {
        if tick % TICKS_PER_HOUR == TICKS_PER_HOUR - 1 {
            self.add_months().await?;
        }
        if tick.is_multiple_of(Failures::TICKS) {
            self.failures.write_down(&self.pool).await?;
        }
        // Looking leaves no trace: it happens all day.
        let (position, has_work) = self.look().with_subscriber(NoSubscriber::new()).await?;
        self.tell_head(position);
        let mut has_more = has_work;
        while has_more {
            let chained = self.chain().await?;
            if let Some(checkpoint) = &chained.checkpoint {
                tell(checkpoint);
            }
            self.tell_head(chained.position);
            has_more = chained.has_more;
        }
        Ok(())
    }

    /// How far the chain goes, and whether there is something to do.
    async fn look(&self) -> Result<(i64, bool), Error> {
        let row = self.pool.row(include_str!("look.sql"), &[&self.every.as_secs_f64()]).await?;
        let row = row.ok_or_else(no_end)?;
        Ok((row.try_get("position")?, row.try_get("has_work")?))
    }

    fn tell_head(&self, position: i64) {
        self.head.send_if_modified(|head| std::mem::replace(head, position) != position);
    }

    /// Gives places to what has been written down, unless another process does.
    async fn chain(&self) -> Result<Chained, Error> {
        self.pool.transaction(self, |transaction, this| Box::pin(this.chain_in(transaction))).await
    }

    async fn chain_in(&self, transaction: &Transaction<'_>) -> Result<Chained, Error> {
        let row = transaction.row(include_str!("lock.sql"), &[&LOCK]).await?;
        let is_ours = row.map_or(Ok(false), |row| row.try_get("is_ours"))?;
        let head = head(transaction).await?;
        if !is_ours {
            return Ok(Chained { position: head.position, checkpoint: None, has_more: false });
        }
        let (columns, head) = batch::take(transaction, head).await?;
        let has_more = columns.is_full();
        columns.append(transaction, head.now).await?;
        let position = head.position;
        let checkpoint = self.checkpoint(transaction, head).await?;
        Ok(Chained { position, checkpoint, has_more })
    }

    /// Signs how far the chain goes, if it is time to.
    async fn checkpoint(
        &self,
        transaction: &Transaction<'_>,
        head: Head,
    ) -> Result<Option<Checkpoint>, Error> {
        let last = last_checkpoint(transaction).await?;
        let is_due = last.as_ref().map_or(head.position > 0, |last| {
            let waited = head.now.duration_since(last.made_at).unsigned_abs() >= self.every;
            let grown = head.position - last.position;
            grown >= MANY || (grown > 0 && waited)
        });
        if !is_due {
            return Ok(None);
        }
        let end = (head.position, head.hash);
        let checkpoint = checkpoint::next(last.as_ref(), head.now, end, None, &self.signer);
        insert_checkpoint(transaction, &checkpoint).await?;
        Ok(Some(checkpoint))
    }
}

fn stalled(error: &Error) {
    tracing::warn!(%error, event.name = "auth.audit.stalled", "audit events are not chained just now");
}

/// Whoever collects logs keeps a witness outside of the database.
fn tell(checkpoint: &Checkpoint) {
    tracing::info!(
        number = checkpoint.number,
        position = checkpoint.position,
        checkpoint = checkpoint.line(),
        event.name = "auth.audit.checkpoint",
        "audit checkpoint {} covers {} events",
        checkpoint.number,
        checkpoint.position,
    );
}

/// Signs how far the chain goes, and that all up to a place is dropped. Nobody else
/// may be chaining.
pub(crate) async fn sign(
    transaction: &Transaction<'_>,
    signer: &Signer,
    pruned: (i64, Vec<u8>),
) -> Result<(), Error> {
    let (head, last) = (head(transaction).await?, last_checkpoint(transaction).await?);
    let end = (head.position, head.hash);
    let checkpoint = checkpoint::next(last.as_ref(), head.now, end, Some(pruned), signer);
    insert_checkpoint(transaction, &checkpoint).await?;
    tell(&checkpoint);
    Ok(())
}

fn no_end() -> Error {
    Error::Config("the audit log has no end".to_owned())
}

async fn head(transaction: &Transaction<'_>) -> Result<Head, Error> {
    let row = transaction.row(include_str!("head.sql"), &[]).await?;
    let row = row.ok_or_else(no_end)?;
    Ok(Head {
        position: row.try_get("position")?,
        hash: row.try_get("hash")?,
        now: row.try_get("now")?,
    })
}
