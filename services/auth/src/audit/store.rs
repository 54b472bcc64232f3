//! Events in `PostgreSQL`.

use std::collections::BTreeMap;

use database::{Error, Transaction};
use platform::request_id::RequestContext;
use tokio_postgres::types::ToSql;

use super::Event;

/// Writes an event down, to be there if and only if what happened is.
pub(crate) async fn record(transaction: &Transaction<'_>, event: &Event<'_>) -> Result<(), Error> {
    let context = RequestContext::current();
    let client = context.as_ref().and_then(|context| context.client);
    let address = client.map(|client| client.address.to_string()).unwrap_or_default();
    let request_id = context.as_ref().map(RequestContext::id).unwrap_or_default();
    let details: BTreeMap<_, _> = event.details.iter().copied().collect();
    let details = serde_json::to_string(&details).unwrap_or_default();
    let Event { kind, actor, subject, session, .. } = event;
    let params: [&(dyn ToSql + Sync); 7] =
        [&kind.name(), actor, subject, session, &address, &request_id, &details];
    transaction.row(include_str!("insert.sql"), &params).await?;
    Ok(())
}
