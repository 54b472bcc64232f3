//! Identities in `PostgreSQL`.

use database::{Pool, Transaction};
use jiff::Timestamp;
use platform::time::to_proto;
use proto::auth::v1::Identity;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    Claimed, Error,
    arrivals::arrive,
    provider::{Provider, Providers},
};
use crate::{
    devices::Device,
    mail::PostOffice,
    sessions::{self, Issuer, Opening, Proof, SignedIn},
    users::SignUp,
};

/// All that signing in needs.
pub(super) type Given<'a> = (&'a Claimed, &'a Provider, &'a Issuer, (&'a PostOffice, SignUp));

/// Whether somebody has come from their site before.
pub(super) async fn is_known(pool: &Pool, claimed: &Claimed) -> Result<bool, Error> {
    let params: [&(dyn ToSql + Sync); 2] = [&claimed.issuer, &claimed.subject];
    Ok(pool.row(include_str!("owner.sql"), &params).await?.is_some())
}

/// Signs somebody in whom a site has confirmed.
pub(super) async fn sign_in(
    pool: &Pool,
    given: Given<'_>,
    device: &Device,
) -> Result<SignedIn, Error> {
    pool.transaction((given, device), |transaction, &(given, device)| {
        let (claimed, provider, issuer, arriving) = given;
        Box::pin(async move {
            lock(transaction, claimed).await?;
            let params: [&(dyn ToSql + Sync); 2] = [&claimed.issuer, &claimed.subject];
            let known = transaction.row(include_str!("use.sql"), &params).await?;
            let user_id = match known {
                Some(row) => row.try_get("user_id").map_err(unreadable)?,
                None => arrive(transaction, claimed, provider, arriving).await?,
            };
            let opening = Opening::of(user_id, Proof::Federated).with(device.clone());
            Ok(sessions::open(transaction, &opening, issuer).await?)
        })
    })
    .await
}

/// What signs somebody in.
pub(super) async fn list(
    pool: &Pool,
    user_id: Uuid,
    providers: &Providers,
) -> Result<Vec<Identity>, Error> {
    let rows = pool.rows(include_str!("list.sql"), &[&user_id]).await?;
    rows.iter().map(|row| read(row, |issuer| providers.issuing(issuer))).collect()
}

/// Has those wait who come from a site as the same somebody.
pub(super) async fn lock(transaction: &Transaction<'_>, claimed: &Claimed) -> Result<(), Error> {
    let name = format!("{}\n{}", claimed.issuer, claimed.subject);
    transaction.row(include_str!("lock.sql"), &[&name]).await?;
    Ok(())
}

pub(super) fn read<'a>(
    row: &Row,
    find: impl FnOnce(&str) -> Option<&'a Provider>,
) -> Result<Identity, Error> {
    let read = || {
        let issuer: String = row.try_get("issuer")?;
        let provider = find(&issuer).map(|provider| &provider.settings);
        let last_used_at: Option<Timestamp> = row.try_get("last_used_at")?;
        Ok(Identity {
            id: row.try_get::<_, Uuid>("identity_id")?.to_string(),
            provider: provider.map(|it| it.id.clone()).unwrap_or_default(),
            provider_display_name: provider.map_or(issuer, |it| it.display_name.clone()),
            email: row.try_get("email")?,
            created_at: Some(to_proto(row.try_get("created_at")?)),
            last_used_at: last_used_at.map(to_proto),
        })
    };
    read().map_err(unreadable)
}

pub(super) fn unreadable(error: tokio_postgres::Error) -> Error {
    Error::Database(error.into())
}

impl database::Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Session(error) => error.database(),
            Self::UnknownProvider
            | Self::WrongFlow
            | Self::Provider(_)
            | Self::EmailTaken
            | Self::EmailMissing
            | Self::Taken
            | Self::SiteLinked
            | Self::LastWay
            | Self::SignUpClosed
            | Self::NotFound => None,
        }
    }

    /// Who they are is confirmed, and so is a link, while the second factor is asked for.
    fn keeps_what_was_done(&self) -> bool {
        matches!(self, Self::Session(error) if error.keeps_what_was_done())
    }
}
