//! Sessions in `PostgreSQL`.

use database::{Done, Once, Pool, Statement, Transaction};
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
    defence::Guess,
    devices::{self, Device},
    factors,
    secrets::Token,
    users,
};

/// What the database says of a session that it opened.
struct Opened {
    row: Row,
    /// The sessions that it takes the place of, and whose they are.
    replaced: Vec<(Uuid, Uuid)>,
    /// Those that its user has too many.
    oldest: Vec<Row>,
    /// The device, if it is known to its user.
    known: Option<Row>,
}

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

/// Opens a session for whoever guessed right and forgets those of the user that have
/// expired.
pub(super) async fn create(
    once: &Once<'_>,
    (guess, opening): (&Guess, &Opening),
    issuer: &Issuer,
) -> Result<Done<SignedIn>, Error> {
    once.transaction((guess, opening, issuer), |transaction, &(guess, opening, issuer)| {
        Box::pin(async move {
            let opened = open(transaction, opening, issuer).await;
            if matches!(opened, Ok(_) | Err(Error::SecondFactor(_))) {
                // After the account is locked, in the order in which a new password
                // locks them.
                guess.settle(transaction).await?;
            }
            opened
        })
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
    let (session_id, token) = (Uuid::now_v7(), Token::random());
    let name = device.as_ref().map_or_else(devices::name_of_client, |it| it.name().to_owned());
    let new = (session_id, &token, name.as_str());
    let Opened { row, replaced, oldest, known } =
        insert(transaction, new, opening, issuer.lifetimes).await?;
    let (kind, actor) = (audit::Kind::SessionCreated, impersonator_id.or(Some(*user_id)));
    let details = [("device", name.as_str())];
    let event = audit::Event::of_session(kind, actor, *user_id, session_id);
    let created = audit::Line::of(&audit::Event { details: &details, ..event });
    let lines: Vec<_> = replaced.into_iter().map(ending::replaced).chain([created]).collect();
    let lines: Vec<_> = lines.iter().map(audit::Line::statement).collect();
    transaction.each(&lines).await?;
    ending::end_oldest(transaction, *user_id, &oldest).await?;
    let expires_at = row.try_get("token_expires_at").map_err(unreadable)?;
    let issued = Issued { session_id, user_id: *user_id, token, expires_at };
    let signed_in = sign_in(&row, issued, issuer)?;
    let Some(device) = device else { return Ok(signed_in) };
    let email: String = row.try_get("email").map_err(unreadable)?;
    let whose = (*user_id, email.as_str(), session_id);
    let recognised = devices::recognise(transaction, whose, (device, known.as_ref()), issuer);
    Ok(issuer::known_by(signed_in, recognised.await?))
}

/// Opens a session in the place of those that the device had.
async fn insert(
    transaction: &Transaction<'_>,
    (session_id, token, name): (Uuid, &Token, &str),
    opening: &Opening,
    lifetimes: Lifetimes,
) -> Result<Opened, Error> {
    let session = opening.lifetime(lifetimes.session);
    let [session, admin_session, idle, admin_idle] =
        [session, lifetimes.admin_session, lifetimes.idle, lifetimes.admin_idle].map(f64::from);
    let presented = opening.device.as_ref().and_then(Device::hash);
    let (amr, address, hash) = (opening.amr(), address(), token.hash());
    let params: [&(dyn ToSql + Sync); 12] = [
        &session_id,
        &opening.user_id,
        &session,
        &admin_session,
        &amr,
        &opening.impersonator_id,
        &name,
        &address,
        &hash,
        &idle,
        &admin_idle,
        &opening.password_hash,
    ];
    let mut statements = Vec::new();
    if let Some(token) = &presented {
        statements.extend(devices::replacing(token));
    }
    statements.push(Statement::new(OPEN, &params));
    statements.push(ending::finding_oldest(&opening.user_id));
    let touching = |token| devices::touching(token, &opening.user_id, &session_id);
    statements.extend(presented.as_ref().map(touching));
    let mut rows = transaction.each(&statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    let replaced = if presented.is_some() { (next(), next()).1 } else { Vec::new() };
    let replaced = replaced.iter().map(devices::read_replaced).collect::<Result<_, _>>()?;
    // The account is suspended, or a moment ago it was erased or got another password.
    let row = next().pop().ok_or(Error::WrongCredentials)?;
    Ok(Opened { row, replaced, oldest: next(), known: next().pop() })
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
