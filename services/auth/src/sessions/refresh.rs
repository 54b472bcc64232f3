//! Refresh tokens and their successors: one statement rotates, if there is nothing to
//! judge about.

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

const ROTATE: &str = concat!(
    include_str!("rotate.sql"),
    ", shown AS (",
    include_str!("../users/row.sql"),
    ")\n",
    include_str!("rotated.sql"),
);

const JUDGE: &str = concat!(
    include_str!("judge.sql"),
    ", shown AS (",
    include_str!("../users/row.sql"),
    ")\n",
    include_str!("judged.sql"),
);

/// A token that could be rotated only after it could not (its user was an admin until
/// then) is given another chance.
const ATTEMPTS: u32 = 2;

/// Exchanges a refresh token for its successor, as the rules decide.
pub(super) async fn refresh(
    pool: &Pool,
    token: &Token,
    issuer: &Issuer,
) -> Result<Refreshed, Error> {
    for _ in 0..ATTEMPTS {
        if let Some(signed_in) = rotate(pool, token, issuer).await? {
            return Ok(Refreshed::SignedIn(Box::new(signed_in)));
        }
        let Some(row) = judge(pool, token, issuer).await? else { return Ok(Refreshed::Refused) };
        let presented = presented(&row).map_err(unreadable)?;
        match presented.decide() {
            Decision::Rotate => {}
            Decision::Repeat(sealed) => {
                let (token, expires_at) = repeat(pool, token, sealed, &presented).await?;
                let signed_in = signed_in(&row, (token, expires_at), issuer)?;
                return Ok(Refreshed::SignedIn(Box::new(signed_in)));
            }
            Decision::Refuse => return Ok(Refreshed::Refused),
            Decision::Revoke => {
                revoke(pool, (&row, &presented), issuer).await?;
                return Ok(Refreshed::Revoked(presented.session_id));
            }
        }
    }
    Ok(Refreshed::Refused)
}

/// Gives a token its successor in one statement; none if there is any reason not to.
async fn rotate(pool: &Pool, token: &Token, issuer: &Issuer) -> Result<Option<SignedIn>, Error> {
    let lifetimes = issuer.lifetimes;
    let [idle, admin_idle, admin_session] =
        [lifetimes.idle, lifetimes.admin_idle, lifetimes.admin_session].map(f64::from);
    let successor = Token::random();
    let (sealed, address) = (token.seal(&successor), address());
    let params: [&(dyn ToSql + Sync); 7] =
        [&token.hash(), &sealed, &successor.hash(), &idle, &admin_idle, &admin_session, &address];
    let Some(row) = pool.row(ROTATE, &params).await? else { return Ok(None) };
    let expires_at = row.try_get("token_expires_at").map_err(unreadable)?;
    signed_in(&row, (successor, expires_at), issuer).map(Some)
}

/// Finds out why a token was not rotated; no row if there is no such token.
async fn judge(pool: &Pool, token: &Token, issuer: &Issuer) -> Result<Option<Row>, Error> {
    let lifetimes = issuer.lifetimes;
    let [grace, admin_idle, admin_session] =
        [lifetimes.grace, lifetimes.admin_idle, lifetimes.admin_session].map(f64::from);
    let params: [&(dyn ToSql + Sync); 4] = [&token.hash(), &grace, &admin_idle, &admin_session];
    Ok(pool.row(JUDGE, &params).await?)
}

fn signed_in(
    row: &Row,
    (token, expires_at): (Token, jiff::Timestamp),
    issuer: &Issuer,
) -> Result<SignedIn, Error> {
    let read = || Ok((row.try_get("session_id")?, row.try_get("user_id")?));
    let (session_id, user_id) = read().map_err(unreadable)?;
    sign_in(row, Issued { session_id, user_id, token, expires_at }, issuer)
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
