//! Devices in `PostgreSQL`.

use database::{Error, Statement, Transaction};
use platform::request_id::RequestContext;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Device, Recognised};
use crate::{audit, mail::Letter, secrets::Token, sessions::Issuer};

/// What makes a device known to a user who signs in with it for longer: the row that
/// comes back is for [`recognise`].
pub(crate) fn touching<'a>(
    token: &'a Vec<u8>,
    user_id: &'a Uuid,
    session_id: &'a Uuid,
) -> Statement<'a> {
    Statement::new(include_str!("touch.sql"), &[token, user_id, session_id])
}

/// What has the sessions that were opened with a device end in a minute, so that
/// requests under way are none of a session that has ended; [`read_replaced`] reads
/// the second one's rows.
pub(crate) fn replacing(token: &Vec<u8>) -> [Statement<'_>; 2] {
    let lock = Statement::new(include_str!("lock.sql"), &[token]);
    [lock, Statement::new(include_str!("replace.sql"), &[token])]
}

/// A session that ends because another takes its place, and its user.
pub(crate) fn read_replaced(row: &Row) -> Result<(Uuid, Uuid), Error> {
    Ok((row.try_get("session_id")?, row.try_get("user_id")?))
}

/// Makes a device known to a user who has just signed in with it, unless it was, as
/// its row says. If it was not, and others were, they get a letter about it.
pub(crate) async fn recognise(
    transaction: &Transaction<'_>,
    (user_id, email, session_id): (Uuid, &str, Uuid),
    (device, row): (&Device, Option<&Row>),
    issuer: &Issuer,
) -> Result<Recognised, Error> {
    if let (Some(row), Some(token)) = (row, &device.token) {
        let expires_at = row.try_get("expires_at")?;
        return Ok(Recognised { token: token.clone(), expires_at });
    }
    let (token, presented) = (Token::random(), device.hash());
    let params: [&(dyn ToSql + Sync); 4] = [&token.hash(), &user_id, &presented, &session_id];
    let row = transaction.row(include_str!("insert.sql"), &params).await?;
    let row = row.ok_or_else(|| Error::Config("an insert returns a row".to_owned()))?;
    if row.try_get("is_another")? {
        tell(transaction, (user_id, email), device, issuer).await?;
    }
    Ok(Recognised { token, expires_at: row.try_get("expires_at")? })
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
