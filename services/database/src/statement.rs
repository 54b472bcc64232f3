//! Statements: prepared once per connection, measured, and known by the name in
//! their first line.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use deadpool_postgres::ClientWrapper;
use futures_util::{future::maybe_done, poll};
use opentelemetry::{KeyValue, metrics::Histogram};
use platform::{
    telemetry::{DB_QUERY_SUMMARY, DB_SYSTEM_NAME, ERROR_TYPE},
    timing,
};
use tokio_postgres::{Row, types::ToSql};
use tracing::Instrument;

use crate::Error;

/// A statement and its parameters.
pub struct Statement<'a> {
    sql: &'static str,
    params: Vec<&'a (dyn ToSql + Sync)>,
}

/// Where statements are run.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) client: &'a ClientWrapper,
    pub(crate) duration: &'a Histogram<f64>,
    /// Whether the transaction has begun that they are part of; none if each is one
    /// by itself.
    pub(crate) has_begun: Option<&'a AtomicBool>,
}

// === impl Statement ===

impl<'a> Statement<'a> {
    /// The first line of `sql` names it: `-- service.resource.verb`.
    pub fn new(sql: &'static str, params: &[&'a (dyn ToSql + Sync)]) -> Self {
        Self { sql, params: params.to_vec() }
    }

    fn name(&self) -> &'static str {
        name(self.sql)
    }
}

impl fmt::Debug for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Statement").field(&self.name()).finish()
    }
}

// === impl Place ===

impl Place<'_> {
    /// Runs statements one after the other and returns the rows of each. They are
    /// sent together, and so is what begins the transaction: the server waits for
    /// none of them.
    pub(crate) async fn run(self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        let mut prepared = Vec::with_capacity(statements.len());
        for statement in statements {
            let started = Instant::now();
            let result = self.client.prepare_cached(statement.sql).await;
            prepared.push(result.inspect_err(|error| {
                self.note(statement.name(), started, Some(error));
            })?);
        }
        let mut last = Instant::now();
        let begins = self.has_begun.is_some_and(|begun| !begun.swap(true, Ordering::Relaxed));
        let mut begin = begins.then(|| Box::pin(maybe_done(self.client.batch_execute("BEGIN"))));
        if let Some(begin) = &mut begin {
            // What is polled is sent.
            let _sent = poll!(begin.as_mut());
        }
        let mut sent = Vec::with_capacity(statements.len());
        for (statement, prepared) in statements.iter().zip(&prepared) {
            let span = tracing::info_span!(
                "statement",
                otel.name = statement.name(),
                otel.kind = "client"
            );
            let query = self.client.query(prepared, &statement.params).instrument(span);
            let mut query = Box::pin(maybe_done(query));
            let _sent = poll!(query.as_mut());
            sent.push(query);
        }
        if let Some(mut begin) = begin {
            begin.as_mut().await;
            begin.as_mut().take_output().transpose()?;
        }
        let mut rows = Vec::with_capacity(statements.len());
        for (statement, mut query) in statements.iter().zip(sent) {
            query.as_mut().await;
            let result = query.as_mut().take_output().unwrap_or_else(|| Ok(Vec::new()));
            self.note(statement.name(), last, result.as_ref().err());
            rows.push(result?);
            last = Instant::now();
        }
        Ok(rows)
    }

    fn note(self, name: &'static str, started: Instant, error: Option<&tokio_postgres::Error>) {
        let failure = error.map(|error| {
            error.code().map_or_else(|| "connection".to_owned(), |code| code.code().to_owned())
        });
        let system = KeyValue::new(DB_SYSTEM_NAME, "postgresql");
        let mut attributes = vec![system, KeyValue::new(DB_QUERY_SUMMARY, name)];
        attributes.extend(failure.map(|failure| KeyValue::new(ERROR_TYPE, failure)));
        let took = started.elapsed();
        timing::note_one("db", "queries", took);
        self.duration.record(took.as_secs_f64(), &attributes);
    }
}

/// The name of a statement: its first line is `-- service.resource.verb`.
fn name(sql: &'static str) -> &'static str {
    let first = sql.lines().next().unwrap_or_default();
    first.trim_start_matches("--").trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_named_by_their_first_line() {
        assert_eq!(name("-- auth.users.find\nSELECT 1"), "auth.users.find");
        assert_eq!(name(""), "");
    }
}
