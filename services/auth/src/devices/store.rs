//! Devices in `PostgreSQL`.

use database::{Error, Transaction};
use platform::request_id::RequestContext;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Device, Recognised};
use crate::{audit, mail::Letter, secrets::Token, sessions::Issuer};

/// Makes a device known to a user who has just signed in with it. If it was not,
/// and others were, they get a letter about it.
pub(crate) async fn recognise(
    transaction: &Transaction<'_>,
    (user_id, email, session_id): (Uuid, &str, Uuid),
    device: &Device,
    issuer: &Issuer,
) -> Result<Recognised, Error> {
    let presented = device.hash();
    let params: [&(dyn ToSql + Sync); 3] = [&presented, &user_id, &session_id];
    let row = transaction.row(include_str!("touch.sql"), &params).await?;
    if let (Some(row), Some(token)) = (row, &device.token) {
        let expires_at = row.try_get("expires_at")?;
        return Ok(Recognised { token: token.clone(), expires_at });
    }
    let token = Token::random();
    let params: [&(dyn ToSql + Sync); 4] = [&token.hash(), &user_id, &presented, &session_id];
    let row = transaction.row(include_str!("insert.sql"), &params).await?;
    let row = row.ok_or_else(|| Error::Config("an insert returns a row".to_owned()))?;
    if row.try_get("is_another")? {
        tell(transaction, (user_id, email), device, issuer).await?;
    }
    Ok(Recognised { token, expires_at: row.try_get("expires_at")? })
}

/// Has the sessions that were opened with a device end in a minute, so that requests
/// under way are none of a session that has ended, and returns them and their users.
pub(crate) async fn replace(
    transaction: &Transaction<'_>,
    device: &Device,
) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let Some(token) = device.hash() else { return Ok(Vec::new()) };
    transaction.rows(include_str!("lock.sql"), &[&token]).await?;
    let rows = transaction.rows(include_str!("replace.sql"), &[&token]).await?;
    let read = |row: &Row| Ok((row.try_get("session_id")?, row.try_get("user_id")?));
    rows.iter().map(read).collect()
}

async fn tell(
    transaction: &Transaction<'_>,
    (user_id, email): (Uuid, &str),
    device: &Device,
    issuer: &Issuer,
) -> Result<(), Error> {
    let event = audit::Event {
        kind: audit::Kind::DeviceUnknown,
        actor: Some(user_id),
        subject: Some(user_id),
        session: None,
        details: &[("device", device.name())],
    };
    audit::record(transaction, &event).await?;
    let client = RequestContext::current().and_then(|context| context.client);
    let address = client.map(|client| client.address.to_string()).unwrap_or_default();
    let letter = Letter::NewDevice { device: device.name().to_owned(), address };
    issuer.post.take(transaction, email, &letter).await
}
