//! What admins do, in `PostgreSQL`.

use database::{Cause, Done, Once, Transaction};
use proto::auth::v1::{EndUserSessionsResponse, SendPasswordResetResponse, User};
use tokio_postgres::types::ToSql;

use super::{Act, Error, Target};
use crate::{
    audit::{Event, Kind, record},
    challenges::{Desk, Purpose, Reader, Wanted},
    machines,
    sessions::{self, Issuer, Opening, issuer::SignedIn},
    trust, users,
};

/// Any number; whoever changes who is an admin takes turns on it.
const LOCK: i64 = 0x72_616e_6b73;

/// Lets nobody else change who is an admin until the transaction ends.
pub(crate) async fn lock_ranks(transaction: &Transaction<'_>) -> Result<(), database::Error> {
    transaction.row(include_str!("lock_ranks.sql"), &[&LOCK]).await?;
    Ok(())
}

/// Suspends an account; nothing happens to one that is.
pub(super) async fn suspend(once: &Once<'_>, act: &Act) -> Result<Done<User>, Error> {
    once.transaction(act, |transaction, act| {
        Box::pin(async move {
            if !begin(transaction, act).await?.is_suspended {
                transaction.row(include_str!("suspend.sql"), &[&act.target]).await?;
                trust::suspend_user(transaction, act.target).await?;
                write_down(transaction, act, Kind::AccountSuspended, &[]).await?;
            }
            Ok(users::find_in(transaction, act.target).await?)
        })
    })
    .await
}

/// Writes to the address of an account, so that its owner can choose a new password.
pub(super) async fn send_reset(
    once: &Once<'_>,
    act: &Act,
    desk: &Desk,
) -> Result<Done<SendPasswordResetResponse>, Error> {
    once.transaction((act, desk), |transaction, &(act, desk)| {
        Box::pin(async move {
            begin(transaction, act).await?;
            let user = users::find_in(transaction, act.target).await?;
            let (purpose, user_id) = (Purpose::Reset, Some(act.target));
            let wanted = Wanted { purpose, email: &user.email, user_id, reader: Reader::Asker };
            desk.write(transaction, &wanted).await?;
            write_down(transaction, act, Kind::ResetSent, &[]).await?;
            Ok(SendPasswordResetResponse {})
        })
    })
    .await
}

/// Restores an account; nothing happens to one that is not suspended.
pub(super) async fn restore(once: &Once<'_>, act: &Act) -> Result<Done<User>, Error> {
    once.transaction(act, |transaction, act| {
        Box::pin(async move {
            if begin(transaction, act).await?.is_suspended {
                transaction.row(include_str!("restore.sql"), &[&act.target]).await?;
                trust::restore_user(transaction, act.target).await?;
                write_down(transaction, act, Kind::AccountRestored, &[]).await?;
            }
            Ok(users::find_in(transaction, act.target).await?)
        })
    })
    .await
}

/// Gives an account other ranks; nothing happens to one that has them.
pub(super) async fn set_roles(
    once: &Once<'_>,
    act: &Act,
    roles: &[String],
) -> Result<Done<User>, Error> {
    once.transaction((act, roles), |transaction, &(act, roles)| {
        Box::pin(async move {
            let had = super::normal_roles(begin(transaction, act).await?.roles);
            if had != roles {
                let params: [&(dyn ToSql + Sync); 2] = [&act.target, &roles];
                transaction.row(include_str!("set_roles.sql"), &params).await?;
                end_all(transaction, act).await?;
                if had.iter().any(|role| !roles.contains(role)) {
                    // Tokens of keys say the ranks that their owner had.
                    machines::end_keys_of_user(transaction, Some(act.admin), act.target).await?;
                }
                let (had, has) = (had.join(","), roles.join(","));
                let details = [("had", &*had), ("has", &*has)];
                write_down(transaction, act, Kind::RolesChanged, &details).await?;
            }
            Ok(users::find_in(transaction, act.target).await?)
        })
    })
    .await
}

/// Signs an account out everywhere.
pub(super) async fn end_sessions(
    once: &Once<'_>,
    act: &Act,
) -> Result<Done<EndUserSessionsResponse>, Error> {
    once.transaction(act, |transaction, act| {
        Box::pin(async move {
            begin(transaction, act).await?;
            let ended = end_all(transaction, act).await?;
            let count = ended.to_string();
            write_down(transaction, act, Kind::SessionsEnded, &[("count", &count)]).await?;
            Ok(EndUserSessionsResponse { ended })
        })
    })
    .await
}

/// Opens a session of somebody else for an admin.
pub(super) async fn impersonate(
    once: &Once<'_>,
    act: &Act,
    issuer: &Issuer,
) -> Result<Done<SignedIn>, Error> {
    once.transaction((act, issuer), |transaction, &(act, issuer)| {
        Box::pin(async move {
            if !begin(transaction, act).await?.may_be_impersonated() {
                return Err(Error::NotImpersonable);
            }
            let opening = Opening::impersonating(act.target, act.admin);
            let signed_in = sessions::open(transaction, &opening, issuer).await?;
            write_down(transaction, act, Kind::Impersonated, &[]).await?;
            Ok(signed_in)
        })
    })
    .await
}

/// Looks at both sides of an act, which stay as they are until the transaction ends.
async fn begin(transaction: &Transaction<'_>, act: &Act) -> Result<Target, Error> {
    lock_ranks(transaction).await?;
    let admin = transaction.row(include_str!("admin.sql"), &[&act.admin]).await?;
    admin.ok_or(Error::NoAdmin)?;
    let row = transaction.row(include_str!("target.sql"), &[&act.target]).await?;
    let row = row.ok_or(users::Error::NotFound)?;
    let read =
        || Ok(Target { roles: row.try_get("roles")?, is_suspended: row.try_get("is_suspended")? });
    read().map_err(|error: tokio_postgres::Error| Error::Database(error.into()))
}

async fn end_all(transaction: &Transaction<'_>, act: &Act) -> Result<i32, Error> {
    let ended = sessions::end_all(transaction, act.target, None).await?;
    Ok(i32::try_from(ended.len()).unwrap_or(i32::MAX))
}

async fn write_down(
    transaction: &Transaction<'_>,
    act: &Act,
    kind: Kind,
    details: &[(&str, &str)],
) -> Result<(), Error> {
    let details: Vec<_> = details.iter().copied().chain([("reason", &*act.reason)]).collect();
    let (actor, subject) = (Some(act.admin), Some(act.target));
    let event = Event { kind, actor, subject, session: None, details: &details };
    Ok(record(transaction, &event).await?)
}

impl Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::User(error) => error.database(),
            Self::Session(error) => error.database(),
            Self::NoAdmin | Self::Oneself | Self::NotImpersonable => None,
        }
    }
}
