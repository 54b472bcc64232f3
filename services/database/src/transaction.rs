//! Several statements that happen together or not at all.

use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_postgres::{ClientWrapper, Object};
use futures_util::future::BoxFuture;
use opentelemetry::metrics::Histogram;
use tokio_postgres::{Row, types::ToSql};

use crate::{Error, Statement, statement::Place};

/// A conflict with another transaction is rare, and rarer the second time.
const ATTEMPTS: u32 = 3;

/// An error that the database may have caused.
pub trait Cause {
    /// The database's error, if it was that.
    fn database(&self) -> Option<&Error>;

    /// Whether what was done until then stays done: a wrong guess was counted, a
    /// link was used up. Nothing stays unless an error says so.
    fn keeps_what_was_done(&self) -> bool {
        false
    }
}

/// A transaction under way. It begins with its first statement. One that is dropped
/// halfway takes its connection along.
pub struct Transaction<'a> {
    client: &'a ClientWrapper,
    duration: &'a Histogram<f64>,
    has_begun: AtomicBool,
}

// === impl Transaction ===

impl Transaction<'_> {
    /// Runs a statement that returns any number of rows.
    pub async fn rows(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let mut rows = self.each(&[Statement::new(sql, params)]).await?;
        Ok(rows.pop().unwrap_or_default())
    }

    /// Runs statements one after the other and returns the rows of each, in one go:
    /// that takes a fraction of the time of as many questions and answers. Each sees
    /// what those before it did, and all that was committed before it began.
    pub async fn each(&self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        let Self { client, duration, has_begun } = self;
        Place { client, duration, has_begun: Some(has_begun) }.run(statements).await
    }

    /// Runs a statement that returns one row or none.
    pub async fn row(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error> {
        Ok(self.rows(sql, params).await?.into_iter().next())
    }
}

impl Transaction<'_> {
    /// Ends it, if it ever began.
    async fn end(&self, how: &str) -> Result<(), Error> {
        if self.has_begun.load(Ordering::Relaxed) {
            self.client.batch_execute(how).await?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction").field("has_begun", &self.has_begun).finish_non_exhaustive()
    }
}

impl Cause for Error {
    fn database(&self) -> Option<&Error> {
        Some(self)
    }
}

fn is_retryable(error: &impl Cause) -> bool {
    error.database().is_some_and(Error::is_retryable)
}

/// Runs `work` in a transaction: committed if it succeeds, rolled back if not
/// (unless its error [keeps what was done](Cause::keeps_what_was_done)),
/// and repeated when the database could not order it among others.
pub(crate) async fn run<G, T, E>(
    client: &Object,
    duration: &Histogram<f64>,
    given: &G,
    work: impl for<'a> Fn(&'a Transaction<'a>, &'a G) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
) -> Result<T, E>
where
    G: Send + Sync,
    T: Send,
    E: From<Error> + Cause + Send,
{
    let mut attempt = 1;
    loop {
        let has_begun = AtomicBool::new(false);
        let transaction = Transaction { client, duration, has_begun };
        let result = work(&transaction, given).await;
        let is_kept = result.as_ref().map_or_else(Cause::keeps_what_was_done, |_value| true);
        let ended = transaction.end(if is_kept { "COMMIT" } else { "ROLLBACK" }).await;
        let result = match ended {
            Err(error) if is_kept => Err(error.into()),
            // What failed to be taken back is: with the connection.
            Ok(()) | Err(_) => result,
        };
        match &result {
            Err(error) if attempt < ATTEMPTS && is_retryable(error) => attempt += 1,
            Ok(_) | Err(_) => return result,
        }
    }
}
