//! Sessions in `PostgreSQL`.

use database::{Done, Once, Pool, Transaction};
use jiff::Timestamp;
use platform::{time::to_proto, token::Actor};
use proto::auth::v1::Session;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    Assurance, Decision, Error, Issued, Lifetimes, Opening, Presented, Proof,
    issuer::{Issuer, SignedIn},
};
use crate::{audit, factors, secrets::Token, users};

/// An account as signing in needs it.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) user_id: Uuid,
    pub(crate) password_hash: String,
}

/// What became of a refresh token that was presented.
pub(crate) enum Refreshed {
    SignedIn(Box<SignedIn>),
    Refused,
    /// It was used before: its session has been ended.
    Revoked(Uuid),
}

pub(crate) async fn account(pool: &Pool, email: &str) -> Result<Option<Account>, Error> {
    let row = pool.row(include_str!("password.sql"), &[&email]).await?;
    let read = |row: Row| {
        Ok(Account {
            user_id: row.try_get("user_id")?,
            password_hash: row.try_get("password_hash")?,
        })
    };
    row.map(read).transpose().map_err(unreadable)
}

/// Replaces a password's hash by another of the same password.
pub(crate) async fn rehash(pool: &Pool, account: &Account, hash: &str) -> Result<(), Error> {
    let params: [&(dyn ToSql + Sync); 3] = [&account.user_id, &account.password_hash, &hash];
    pool.row(include_str!("rehash.sql"), &params).await?;
    Ok(())
}

/// Opens a session and forgets those of the user that have expired.
pub(crate) async fn create(
    once: &Once<'_>,
    opening: &Opening,
    issuer: &Issuer,
) -> Result<Done<SignedIn>, Error> {
    once.transaction((opening, issuer), |transaction, &(opening, issuer)| {
        Box::pin(open(transaction, opening, issuer))
    })
    .await
}

/// Uses up a sign-in link and opens a session for its user.
pub(crate) async fn redeem(
    once: &Once<'_>,
    link: &Token,
    issuer: &Issuer,
) -> Result<Done<SignedIn>, Error> {
    once.transaction((link, issuer), |transaction, &(link, issuer)| {
        Box::pin(async move {
            let row = transaction.row(include_str!("redeem_link.sql"), &[&link.hash()]).await?;
            let user_id = row.ok_or(Error::WrongLink)?.try_get("user_id").map_err(unreadable)?;
            match open(transaction, &Opening::of(user_id, Proof::Link), issuer).await {
                Err(Error::WrongCredentials) => Err(Error::WrongLink),
                opened => opened,
            }
        })
    })
    .await
}

/// Exchanges a refresh token for its successor, as the rules decide.
pub(crate) async fn refresh(
    pool: &Pool,
    token: &Token,
    issuer: &Issuer,
) -> Result<Refreshed, Error> {
    pool.transaction((token, issuer), |transaction, &(token, issuer)| {
        Box::pin(exchange(transaction, token, issuer))
    })
    .await
}

/// A session of a user, without the user.
pub(crate) async fn find(
    pool: &Pool,
    session_id: Uuid,
    user_id: Uuid,
) -> Result<Option<Session>, Error> {
    let row = pool.row(include_str!("find.sql"), &[&session_id, &user_id]).await?;
    row.map(|row| read(&row)).transpose().map_err(unreadable)
}

/// Ends a session of a user, as an actor wants.
pub(crate) async fn end(
    pool: &Pool,
    session_id: Uuid,
    user_id: Uuid,
    actor: Option<Uuid>,
) -> Result<(), Error> {
    let kind = audit::Kind::SessionEnded;
    let event = audit::Event::of_session(kind, actor, user_id, session_id);
    pool.transaction(event, |transaction, event| {
        Box::pin(async move {
            let sql = include_str!("end.sql");
            let row = transaction.row(sql, &[&session_id, &user_id]).await?;
            row.ok_or(Error::NotFound)?;
            Ok(audit::record(transaction, event).await?)
        })
    })
    .await
}

/// Opens a session: every way of signing in ends here. A suspended account has no
/// way in, and whoever tries is told no more than with a wrong password. Where the
/// account has a second factor that was not shown, nothing is opened either, and the
/// error asks for it.
pub(crate) async fn open(
    transaction: &Transaction<'_>,
    opening: &Opening,
    issuer: &Issuer,
) -> Result<SignedIn, Error> {
    let lifetimes = issuer.lifetimes;
    let Opening { user_id, impersonator_id, .. } = opening;
    let lifetime = f64::from(opening.lifetime(lifetimes.session));
    let session_id = Uuid::now_v7();
    if impersonator_id.is_none() && !opening.reaches_aal2() {
        factors::pass(transaction, opening, &issuer.tickets).await?;
    }
    transaction.rows(include_str!("delete_expired.sql"), &[user_id]).await?;
    let params: [&(dyn ToSql + Sync); 5] =
        [&session_id, user_id, &lifetime, &opening.amr(), impersonator_id];
    let row = transaction.row(include_str!("insert.sql"), &params).await?;
    row.ok_or(Error::WrongCredentials)?;
    let (kind, actor) = (audit::Kind::SessionCreated, impersonator_id.or(Some(*user_id)));
    let event = audit::Event::of_session(kind, actor, *user_id, session_id);
    audit::record(transaction, &event).await?;
    let issued = issue(transaction, Token::random(), session_id, *user_id, lifetimes).await?;
    sign_in(transaction, issued, issuer).await
}

/// Ends the sessions of a user, all or all but one, and returns which.
pub(crate) async fn end_all(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    except: Option<Uuid>,
) -> Result<Vec<Uuid>, database::Error> {
    let rows = transaction.rows(include_str!("end_all.sql"), &[&user_id, &except]).await?;
    let ended = rows.iter().map(|row| row.try_get("session_id"));
    Ok(ended.collect::<Result<_, _>>()?)
}

/// Completes the reply about a session.
pub(super) async fn sign_in(
    transaction: &Transaction<'_>,
    issued: Issued,
    issuer: &Issuer,
) -> Result<SignedIn, Error> {
    let Issued { session_id, user_id, .. } = issued;
    let row = transaction.row(include_str!("find.sql"), &[&session_id, &user_id]).await?;
    let row = row.ok_or(Error::Ended)?;
    let (session, assurance) = (read(&row).map_err(unreadable)?, assurance(&row)?);
    let user = users::find_in(transaction, user_id).await?;
    issuer.sign_in(Session { user: Some(user), ..session }, issued, &assurance)
}

fn assurance(row: &Row) -> Result<Assurance, Error> {
    let read = || {
        let impersonator_id: Option<Uuid> = row.try_get("impersonator_id")?;
        Ok(Assurance {
            authenticated_at: row.try_get("authenticated_at")?,
            amr: row.try_get("proofs")?,
            actor: impersonator_id.map(|sub| Actor { sub }),
        })
    };
    read().map_err(unreadable)
}

async fn exchange(
    transaction: &Transaction<'_>,
    token: &Token,
    issuer: &Issuer,
) -> Result<Refreshed, Error> {
    let lifetimes = issuer.lifetimes;
    let params: [&(dyn ToSql + Sync); 2] = [&token.hash(), &f64::from(lifetimes.grace)];
    let row = transaction.row(include_str!("lock_token.sql"), &params).await?;
    let Some(row) = row else { return Ok(Refreshed::Refused) };
    let presented = presented(&row).map_err(unreadable)?;
    let issued = match presented.decide() {
        Decision::Rotate => rotate(transaction, token, &presented, lifetimes).await?,
        Decision::Repeat(sealed) => repeat(transaction, token, sealed, &presented).await?,
        Decision::Refuse => return Ok(Refreshed::Refused),
        Decision::Revoke => {
            let Presented { session_id, user_id, .. } = presented;
            transaction.row(include_str!("end.sql"), &[&session_id, &user_id]).await?;
            let kind = audit::Kind::RefreshTokenReused;
            let event = audit::Event::of_session(kind, None, user_id, session_id);
            audit::record(transaction, &event).await?;
            return Ok(Refreshed::Revoked(session_id));
        }
    };
    let signed_in = sign_in(transaction, issued, issuer).await?;
    Ok(Refreshed::SignedIn(Box::new(signed_in)))
}

async fn rotate(
    transaction: &Transaction<'_>,
    token: &Token,
    presented: &Presented,
    lifetimes: Lifetimes,
) -> Result<Issued, Error> {
    let successor = Token::random();
    let sealed = token.seal(&successor);
    transaction.row(include_str!("use_token.sql"), &[&token.hash(), &sealed]).await?;
    let Presented { session_id, user_id, .. } = *presented;
    issue(transaction, successor, session_id, user_id, lifetimes).await
}

async fn repeat(
    transaction: &Transaction<'_>,
    token: &Token,
    sealed: &[u8],
    presented: &Presented,
) -> Result<Issued, Error> {
    let successor = token.open(sealed)?;
    let row = transaction.row(include_str!("token_expiry.sql"), &[&successor.hash()]).await?;
    let expires_at = row.map_or(Ok(presented.expires_at), |row| row.try_get("expires_at"));
    Ok(Issued {
        session_id: presented.session_id,
        user_id: presented.user_id,
        token: successor,
        expires_at: expires_at.map_err(unreadable)?,
    })
}

async fn issue(
    transaction: &Transaction<'_>,
    token: Token,
    session_id: Uuid,
    user_id: Uuid,
    lifetimes: Lifetimes,
) -> Result<Issued, Error> {
    let idle = f64::from(lifetimes.idle);
    let sql = include_str!("insert_token.sql");
    let row = transaction.row(sql, &[&token.hash(), &session_id, &idle]).await?;
    let expires_at = row.ok_or(Error::Ended)?.try_get("expires_at").map_err(unreadable)?;
    Ok(Issued { session_id, user_id, token, expires_at })
}

fn read(row: &Row) -> Result<Session, tokio_postgres::Error> {
    Ok(Session {
        id: row.try_get::<_, Uuid>("session_id")?.to_string(),
        user: None,
        created_at: Some(to_proto(row.try_get("created_at")?)),
        expires_at: Some(to_proto(row.try_get("expires_at")?)),
        impersonator_id: row
            .try_get::<_, Option<Uuid>>("impersonator_id")?
            .map(|id| id.to_string())
            .unwrap_or_default(),
    })
}

fn presented(row: &Row) -> Result<Presented, tokio_postgres::Error> {
    Ok(Presented {
        session_id: row.try_get("session_id")?,
        user_id: row.try_get("user_id")?,
        expires_at: row.try_get::<_, Timestamp>("expires_at")?,
        is_current: row.try_get("is_current")?,
        is_alive: row.try_get("is_alive")?,
        is_in_grace: row.try_get("is_in_grace")?,
        successor: row.try_get("successor")?,
    })
}

pub(super) fn unreadable(error: tokio_postgres::Error) -> Error {
    Error::Database(error.into())
}

impl database::Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::User(error) => error.database(),
            Self::WrongCredentials
            | Self::WrongLink
            | Self::Ended
            | Self::NotFound
            | Self::SecondFactor(_)
            | Self::Damaged(_)
            | Self::Keys(_) => None,
        }
    }

    /// A link that was used up stays so while the second factor is asked for.
    fn keeps_what_was_done(&self) -> bool {
        matches!(self, Self::SecondFactor(_))
    }
}
