//! Accounts of other sites that are linked to ours, and unlinked.

use database::{Pool, Transaction};
use proto::auth::v1::Identity;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    Claimed, Error,
    provider::{Provider, Providers},
    store::{lock, read, unreadable},
};
use crate::{
    audit,
    mail::{Letter, PostOffice},
};

/// Links somebody's account of a site to theirs here.
pub(super) async fn link(
    pool: &Pool,
    of_whom: (Uuid, Option<Uuid>),
    claimed: &Claimed,
    provider: &Provider,
    post_office: &PostOffice,
) -> Result<Identity, Error> {
    let given = (of_whom, claimed, provider, post_office);
    pool.transaction(given, |transaction, &(of_whom, claimed, provider, post_office)| {
        Box::pin(async move {
            lock(transaction, claimed).await?;
            let (user_id, _) = of_whom;
            let params: [&(dyn ToSql + Sync); 2] = [&claimed.issuer, &claimed.subject];
            let owner = transaction.row(include_str!("owner.sql"), &params).await?;
            let owner: Option<Uuid> =
                owner.map(|row| row.try_get("user_id")).transpose().map_err(unreadable)?;
            match owner {
                Some(owner) if owner == user_id => {}
                Some(_) => return Err(Error::Taken),
                None => {
                    insert(transaction, of_whom, claimed, provider).await?;
                    tell(transaction, user_id, "added", provider, post_office).await?;
                }
            }
            let params: [&(dyn ToSql + Sync); 3] = [&user_id, &claimed.issuer, &claimed.subject];
            let row = transaction.row(include_str!("find.sql"), &params).await?;
            read(&row.ok_or(Error::NotFound)?, |_| Some(provider))
        })
    })
    .await
}

/// Unlinks an account of a site from one here.
pub(super) async fn delete(
    pool: &Pool,
    of_whom: (Uuid, Option<Uuid>),
    identity_id: Uuid,
    providers: &Providers,
    post_office: &PostOffice,
) -> Result<(), Error> {
    let given = (of_whom, identity_id, providers, post_office);
    pool.transaction(given, |transaction, &((user_id, session), identity_id, providers, post)| {
        Box::pin(async move {
            // Two that are unlinked at once must not both take the other for granted.
            transaction.row(include_str!("lock_user.sql"), &[&user_id]).await?;
            let params: [&(dyn ToSql + Sync); 2] = [&identity_id, &user_id];
            let row = transaction.row(include_str!("delete.sql"), &params).await?;
            let issuer: String =
                row.ok_or(Error::NotFound)?.try_get("issuer").map_err(unreadable)?;
            if !has_a_way(transaction, user_id).await? {
                return Err(Error::LastWay);
            }
            let event = audit::Event {
                kind: audit::Kind::IdentityUnlinked,
                actor: Some(user_id),
                subject: Some(user_id),
                session,
                details: &[("issuer", &issuer)],
            };
            audit::record(transaction, &event).await?;
            let provider = providers.issuing(&issuer);
            let name = provider.map_or(issuer.as_str(), |it| &it.settings.display_name);
            letter(transaction, user_id, format!("removed: {name}"), post).await
        })
    })
    .await
}

/// Keeps who signs an account in, and writes it down.
pub(super) async fn insert(
    transaction: &Transaction<'_>,
    (user_id, session): (Uuid, Option<Uuid>),
    claimed: &Claimed,
    provider: &Provider,
) -> Result<(), Error> {
    let (id, email) = (Uuid::now_v7(), claimed.email.as_deref().unwrap_or_default());
    let params: [&(dyn ToSql + Sync); 5] =
        [&id, &user_id, &claimed.issuer, &claimed.subject, &email];
    transaction.row(include_str!("insert.sql"), &params).await.map_err(|error| {
        match error.constraint() {
            Some("identities_issuer_key") => Error::SiteLinked,
            _ => Error::Database(error),
        }
    })?;
    let event = audit::Event {
        kind: audit::Kind::IdentityLinked,
        actor: Some(user_id),
        subject: Some(user_id),
        session,
        details: &[("issuer", &claimed.issuer), ("provider", &provider.settings.id)],
    };
    Ok(audit::record(transaction, &event).await?)
}

/// Tells the owner of an account what changed about the ways into it.
pub(super) async fn tell(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    what: &str,
    provider: &Provider,
    post_office: &PostOffice,
) -> Result<(), Error> {
    let change = format!("{what}: {}", provider.settings.display_name);
    letter(transaction, user_id, change, post_office).await
}

async fn letter(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    change: String,
    post_office: &PostOffice,
) -> Result<(), Error> {
    let row = transaction.row(include_str!("lock_user.sql"), &[&user_id]).await?;
    let email: String = row.ok_or(Error::NotFound)?.try_get("email").map_err(unreadable)?;
    let letter = Letter::IdentitiesChanged { change };
    Ok(post_office.take(transaction, &email, &letter).await?)
}

/// Whether anything signs somebody in.
async fn has_a_way(transaction: &Transaction<'_>, user_id: Uuid) -> Result<bool, Error> {
    let row = transaction.row(include_str!("ways.sql"), &[&user_id]).await?;
    let row = row.ok_or(Error::NotFound)?;
    let ways = ["has_password", "has_identity", "has_passkey"];
    let read = || {
        let ways: Result<Vec<bool>, _> = ways.into_iter().map(|way| row.try_get(way)).collect();
        Ok(ways?.contains(&true))
    };
    read().map_err(unreadable)
}
