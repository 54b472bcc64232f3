//! Refresh tokens and their successors: one statement finds, judges and rotates.

use database::Pool;
use platform::request_id::RequestContext;
use tokio_postgres::{Row, types::ToSql};

use super::{
    Decision, Error, Issued, Presented, ending,
    issuer::{Issuer, SignedIn},
    store::{sign_in, unreadable},
};
use crate::{audit, mail::Letter, secrets::Token};

/// What became of a refresh token that was presented.
pub(super) enum Refreshed {
    SignedIn(Box<SignedIn>),
    Refused,
    /// It was used before: its session has been ended.
    Revoked(uuid::Uuid),
}

const REFRESH: &str = concat!(
    include_str!("refresh.sql"),
    ", shown AS (",
    include_str!("../users/row.sql"),
    ")\n",
    include_str!("refreshed.sql"),
);

/// Exchanges a refresh token for its successor, as the rules decide.
pub(super) async fn refresh(
    pool: &Pool,
    token: &Token,
    issuer: &Issuer,
) -> Result<Refreshed, Error> {
    let successor = Token::random();
    let Some(row) = rotate(pool, (token, &successor), issuer).await? else {
        return Ok(Refreshed::Refused);
    };
    let presented = presented(&row).map_err(unreadable)?;
    let (token, expires_at) = match presented.decide() {
        // The statement has done so, by the same rule.
        Decision::Rotate => {
            let expires_at: Option<_> = row.try_get("token_expires_at").map_err(unreadable)?;
            (successor, expires_at.ok_or(Error::Ended)?)
        }
        Decision::Repeat(sealed) => repeat(pool, token, sealed, &presented).await?,
        Decision::Refuse => return Ok(Refreshed::Refused),
        Decision::Revoke => {
            revoke(pool, (&row, &presented), issuer).await?;
            return Ok(Refreshed::Revoked(presented.session_id));
        }
    };
    let Presented { session_id, user_id, .. } = presented;
    let signed_in = sign_in(&row, Issued { session_id, user_id, token, expires_at }, issuer)?;
    Ok(Refreshed::SignedIn(Box::new(signed_in)))
}

async fn rotate(
    pool: &Pool,
    (token, successor): (&Token, &Token),
    issuer: &Issuer,
) -> Result<Option<Row>, Error> {
    let lifetimes = issuer.lifetimes;
    let [grace, idle, admin_idle, admin_session] =
        [lifetimes.grace, lifetimes.idle, lifetimes.admin_idle, lifetimes.admin_session]
            .map(f64::from);
    let (sealed, address) = (token.seal(successor), address());
    let params: [&(dyn ToSql + Sync); 8] = [
        &token.hash(),
        &grace,
        &sealed,
        &successor.hash(),
        &idle,
        &admin_idle,
        &admin_session,
        &address,
    ];
    Ok(pool.row(REFRESH, &params).await?)
}

/// Finds the successor that the token has already.
async fn repeat(
    pool: &Pool,
    token: &Token,
    sealed: &[u8],
    presented: &Presented,
) -> Result<(Token, jiff::Timestamp), Error> {
    let successor = token.open(sealed)?;
    let row = pool.row(include_str!("token_expiry.sql"), &[&successor.hash()]).await?;
    let expires_at = row.map_or(Ok(presented.expires_at), |row| row.try_get("expires_at"));
    Ok((successor, expires_at.map_err(unreadable)?))
}

/// Ends a session of whose token there is a copy, and says so to its user. Whoever
/// does this first has done it: a token that was used too late stays so.
async fn revoke(pool: &Pool, given: (&Row, &Presented), issuer: &Issuer) -> Result<(), Error> {
    pool.transaction((given, issuer), |transaction, &((row, presented), issuer)| {
        Box::pin(async move {
            let Presented { session_id, user_id, .. } = *presented;
            if ending::end_one(transaction, session_id, user_id).await?.is_none() {
                return Ok(());
            }
            let read = || Ok((row.try_get("email")?, row.try_get("device_name")?));
            let (email, device): (String, String) = read().map_err(unreadable)?;
            let event = audit::Event {
                kind: audit::Kind::RefreshTokenReused,
                actor: None,
                subject: Some(user_id),
                session: Some(session_id),
                details: &[("device", &device)],
            };
            audit::record(transaction, &event).await?;
            let letter = Letter::SessionStolen { device, address: address() };
            Ok(issuer.post.take(transaction, &email, &letter).await?)
        })
    })
    .await
}

fn presented(row: &Row) -> Result<Presented, tokio_postgres::Error> {
    Ok(Presented {
        session_id: row.try_get("session_id")?,
        user_id: row.try_get("user_id")?,
        expires_at: row.try_get("presented_expires_at")?,
        is_current: row.try_get("is_current")?,
        is_alive: row.try_get("is_alive")?,
        is_in_grace: row.try_get("is_in_grace")?,
        successor: row.try_get("successor")?,
    })
}

/// The address of the client.
pub(super) fn address() -> String {
    let client = RequestContext::current().and_then(|context| context.client);
    client.map(|client| client.address.to_string()).unwrap_or_default()
}
