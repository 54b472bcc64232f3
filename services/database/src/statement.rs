//! One statement: prepared once per connection, measured, and known by the name
//! in its first line.

use std::time::Instant;

use deadpool_postgres::GenericClient;
use opentelemetry::{KeyValue, metrics::Histogram};
use platform::{
    telemetry::{DB_QUERY_SUMMARY, DB_SYSTEM_NAME, ERROR_TYPE},
    timing,
};
use tokio_postgres::{Row, types::ToSql};
use tracing::Instrument;

use crate::Error;

pub(crate) async fn rows(
    client: &impl GenericClient,
    duration: &Histogram<f64>,
    sql: &'static str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Error> {
    let name = name(sql);
    let span = tracing::info_span!("statement", otel.name = name, otel.kind = "client");
    let started = Instant::now();
    let work = async {
        let statement = client.prepare_cached(sql).await?;
        client.query(&statement, params).await
    };
    let result = work.instrument(span).await;
    let failure = result.as_ref().err().map(|error: &tokio_postgres::Error| {
        error.code().map_or_else(|| "connection".to_owned(), |code| code.code().to_owned())
    });
    let mut attributes =
        vec![KeyValue::new(DB_SYSTEM_NAME, "postgresql"), KeyValue::new(DB_QUERY_SUMMARY, name)];
    attributes.extend(failure.map(|failure| KeyValue::new(ERROR_TYPE, failure)));
    let took = started.elapsed();
    timing::note_one("db", "queries", took);
    duration.record(took.as_secs_f64(), &attributes);
    Ok(result?)
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
