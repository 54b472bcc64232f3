//! Sessions in `PostgreSQL`.

use database::{Done, Once, Pool, Transaction};
use platform::{time::to_proto, token::Actor};
use proto::auth::v1::Session;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    Assurance, Error, Issued, Lifetimes, Opening, Proof, ending,
    issuer::{self, Issuer, SignedIn},
    refresh::address,
};
use crate::{
    audit,
    devices::{self, Device},
    factors,
    secrets::Token,
    users,
};

const OPEN: &str = concat!(
    include_str!("insert.sql"),
    ", shown AS (",
    include_str!("../users/row.sql"),
    ")\n",
    include_str!("signed_in.sql"),
);

/// Replaces a password's hash by another of the same password.
pub(super) async fn rehash(
    pool: &Pool,
    user_id: Uuid,
    (old, new): (&str, &str),
) -> Result<(), Error> {
    pool.row(include_str!("rehash.sql"), &[&user_id, &old, &new]).await?;
    Ok(())
}

/// Opens a session and forgets those of the user that have expired.
pub(super) async fn create(
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
pub(super) async fn redeem(
    once: &Once<'_>,
    (link, device): (&Token, &Device),
    issuer: &Issuer,
) -> Result<Done<SignedIn>, Error> {
    once.transaction((link, device, issuer), |transaction, &(link, device, issuer)| {
        Box::pin(async move {
            let row = transaction.row(include_str!("redeem_link.sql"), &[&link.hash()]).await?;
            let user_id = row.ok_or(Error::WrongLink)?.try_get("user_id").map_err(unreadable)?;
            let opening = Opening::of(user_id, Proof::Link).with(device.clone());
            match open(transaction, &opening, issuer).await {
                Err(Error::WrongCredentials) => Err(Error::WrongLink),
                opened => opened,
            }
        })
    })
    .await
}

/// A session of a user, without the user.
pub(super) async fn find(
    pool: &Pool,
    session_id: Uuid,
    user_id: Uuid,
) -> Result<Option<Session>, Error> {
    let row = pool.row(include_str!("find.sql"), &[&session_id, &user_id]).await?;
    row.map(|row| read(&row)).transpose().map_err(unreadable)
}

/// The sessions of a user, those last seen first.
pub(super) async fn list(
    pool: &Pool,
    user_id: Uuid,
    lifetimes: Lifetimes,
) -> Result<Vec<Session>, Error> {
    let [idle, admin_idle] = [lifetimes.idle, lifetimes.admin_idle].map(f64::from);
    let rows = pool.rows(include_str!("list.sql"), &[&user_id, &idle, &admin_idle]).await?;
    rows.iter().map(read).collect::<Result<_, _>>().map_err(unreadable)
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
    let Opening { user_id, impersonator_id, device, .. } = opening;
    if impersonator_id.is_none() && !opening.reaches_aal2() {
        factors::pass(transaction, opening, &issuer.tickets).await?;
    }
    if let Some(device) = device {
        ending::end_replaced(transaction, device).await?;
    }
    let (session_id, token) = (Uuid::now_v7(), Token::random());
    let name = device.as_ref().map_or_else(devices::name_of_client, |it| it.name().to_owned());
    let row = insert(transaction, (session_id, &token, &name), opening, issuer.lifetimes).await?;
    let (kind, actor) = (audit::Kind::SessionCreated, impersonator_id.or(Some(*user_id)));
    let details = [("device", name.as_str())];
    let event = audit::Event::of_session(kind, actor, *user_id, session_id);
    let event = audit::Event { details: &details, ..event };
    audit::record(transaction, &event).await?;
    ending::end_oldest(transaction, *user_id).await?;
    let expires_at = row.try_get("token_expires_at").map_err(unreadable)?;
    let issued = Issued { session_id, user_id: *user_id, token, expires_at };
    let signed_in = sign_in(&row, issued, issuer)?;
    let Some(device) = device else { return Ok(signed_in) };
    let email: String = row.try_get("email").map_err(unreadable)?;
    let whose = (*user_id, email.as_str(), session_id);
    let recognised = devices::recognise(transaction, whose, device, issuer).await?;
    Ok(issuer::known_by(signed_in, recognised))
}

async fn insert(
    transaction: &Transaction<'_>,
    (session_id, token, name): (Uuid, &Token, &str),
    opening: &Opening,
    lifetimes: Lifetimes,
) -> Result<Row, Error> {
    let session = opening.lifetime(lifetimes.session);
    let [session, admin_session, idle, admin_idle] =
        [session, lifetimes.admin_session, lifetimes.idle, lifetimes.admin_idle].map(f64::from);
    let params: [&(dyn ToSql + Sync); 12] = [
        &session_id,
        &opening.user_id,
        &session,
        &admin_session,
        &opening.amr(),
        &opening.impersonator_id,
        &name,
        &address(),
        &token.hash(),
        &idle,
        &admin_idle,
        &opening.password_hash,
    ];
    let row = transaction.row(OPEN, &params).await?;
    // The account is suspended, or a moment ago it was erased or got another password.
    row.ok_or(Error::WrongCredentials)
}

/// Completes the reply about a session that a row tells of.
pub(super) fn sign_in(row: &Row, issued: Issued, issuer: &Issuer) -> Result<SignedIn, Error> {
    let (session, assurance) = (read(row).map_err(unreadable)?, assurance(row)?);
    let user = users::read(row)?;
    let session = Session { user: Some(user), is_current: true, ..session };
    issuer.sign_in(session, issued, &assurance)
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

fn read(row: &Row) -> Result<Session, tokio_postgres::Error> {
    Ok(Session {
        id: row.try_get::<_, Uuid>("session_id")?.to_string(),
        user: None,
        created_at: Some(to_proto(row.try_get("opened_at")?)),
        expires_at: Some(to_proto(row.try_get("ends_at")?)),
        device_name: row.try_get("device_name")?,
        address: row.try_get("address")?,
        last_seen_at: Some(to_proto(row.try_get("last_seen_at")?)),
        is_current: false,
        impersonator_id: row
            .try_get::<_, Option<Uuid>>("impersonator_id")?
            .map(|id| id.to_string())
            .unwrap_or_default(),
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
