//! Several statements that happen together or not at all.

use deadpool_postgres::Object;
use futures_util::future::BoxFuture;
use opentelemetry::metrics::Histogram;
use tokio_postgres::{Row, types::ToSql};

use crate::{Error, statement};

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

/// A transaction under way.
#[derive(Debug)]
pub struct Transaction<'a> {
    inner: deadpool_postgres::Transaction<'a>,
    duration: &'a Histogram<f64>,
}

// === impl Transaction ===

impl Transaction<'_> {
    /// Runs a statement that returns any number of rows.
    pub async fn rows(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        statement::rows(&self.inner, self.duration, sql, params).await
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
    client: &mut Object,
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
        let inner = client.transaction().await.map_err(Error::from)?;
        let transaction = Transaction { inner, duration };
        let result = match work(&transaction, given).await {
            Ok(value) => {
                let committed = transaction.inner.commit().await;
                committed.map(|()| value).map_err(|error| Error::from(error).into())
            }
            Err(error) if error.keeps_what_was_done() => {
                let committed = transaction.inner.commit().await;
                committed.map_err(Error::from)?;
                Err(error)
            }
            Err(error) => Err(error),
        };
        match &result {
            Err(error) if attempt < ATTEMPTS && is_retryable(error) => attempt += 1,
            Ok(_) | Err(_) => return result,
        }
    }
}
