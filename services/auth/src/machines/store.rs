//! Keys and accounts of machines in `PostgreSQL`.

use database::{Done, Once, Pool, Transaction};
use jiff::Timestamp;
use platform::{identity::ApiKey, request_id::RequestContext, time::to_proto};
use proto::auth::v1 as pb;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    Error, MOST_ACCOUNTS, MOST_KEYS, NewAccount, NewKey, Owner, listing,
    tokens::{self, Known},
};
use crate::{
    audit::{self, Kind},
    sessions::Issuer,
    trust,
};

/// Stores a key. The reply is the only place where it is to be seen.
pub(super) async fn create_key(
    once: &Once<'_>,
    actor: Uuid,
    new: &NewKey,
) -> Result<Done<pb::CreateApiKeyResponse>, Error> {
    once.transaction((actor, new), |transaction, &(actor, new)| {
        Box::pin(async move {
            // Whoever has the key of a service reads and erases what anybody wrote.
            let account = new.owner.service_account_id();
            let row = transaction.row(include_str!("is_service.sql"), &[&account]).await?;
            if row.is_some() {
                return Err(Error::NoOwner);
            }
            insert_key(transaction, Some(actor), new).await
        })
    })
    .await
}

/// Ends a key of a user, or any key if its owner does not matter.
pub(super) async fn delete_key(
    pool: &Pool,
    actor: Uuid,
    key_id: Uuid,
    is_anyones: bool,
) -> Result<(), Error> {
    pool.transaction((actor, key_id, is_anyones), |transaction, &(actor, key_id, is_anyones)| {
        Box::pin(async move {
            let params: [&(dyn ToSql + Sync); 3] = [&key_id, &actor, &is_anyones];
            let row = transaction.row(include_str!("delete_key.sql"), &params).await?;
            let owner = owner(&row.ok_or(Error::NoKey)?).map_err(unreadable)?;
            Ok(revoked(transaction, Some(actor), owner, &[key_id]).await?)
        })
    })
    .await
}

/// Exchanges a key for an access token, and notes its use once a minute.
pub(super) async fn exchange(
    once: &Once<'_>,
    presented: &ApiKey,
    issuer: &Issuer,
) -> Result<Done<pb::ExchangeApiKeyResponse>, Error> {
    once.transaction((presented, issuer), |transaction, &(presented, issuer)| {
        Box::pin(async move {
            let sql = include_str!("find_key.sql");
            let row = transaction.row(sql, &[&presented.id()]).await?;
            let known = row.as_ref().map(known).transpose().map_err(unreadable)?;
            let now = Timestamp::now();
            let known = tokens::check(presented, known, now)?;
            used(transaction, &known).await?;
            tokens::exchange(issuer, &known, now)
        })
    })
    .await
}

/// Stores an account.
pub(super) async fn create_account(
    once: &Once<'_>,
    actor: Uuid,
    new: &NewAccount,
) -> Result<Done<pb::ServiceAccount>, Error> {
    once.transaction((actor, new), |transaction, &(actor, new)| {
        Box::pin(async move {
            let params: [&(dyn ToSql + Sync); 4] = [&new.id, &new.name, &new.roles, &MOST_ACCOUNTS];
            let row = transaction.row(include_str!("insert_account.sql"), &params).await;
            let row = row.map_err(taken)?.ok_or(Error::TooMany)?;
            let account = read_account(&row)?;
            let details = [("name", new.name.as_str())];
            note(transaction, Kind::ServiceAccountCreated, Some(actor), new.id, &details).await?;
            Ok(account)
        })
    })
    .await
}

/// All accounts, newest first.
pub(super) async fn list_accounts(pool: &Pool) -> Result<Vec<pb::ServiceAccount>, Error> {
    let rows = pool.rows(include_str!("list_accounts.sql"), &[]).await?;
    rows.iter().map(read_account).collect()
}

/// Whether an account exists.
pub(super) async fn has_account(pool: &Pool, account_id: Uuid) -> Result<(), Error> {
    let row = pool.row(include_str!("find_account.sql"), &[&account_id]).await?;
    row.map(drop).ok_or(Error::NoAccount)
}

/// Ends an account and its keys.
pub(super) async fn delete_account(pool: &Pool, actor: Uuid, id: Uuid) -> Result<(), Error> {
    pool.transaction((actor, id), |transaction, &(actor, id)| {
        Box::pin(async move {
            // Locked first, so that no key is made meanwhile.
            let row = transaction.row(include_str!("lock_account.sql"), &[&id]).await?;
            let name: String = row.ok_or(Error::NoAccount)?.try_get("name").map_err(unreadable)?;
            end_keys(transaction, Some(actor), id, None).await?;
            transaction.row(include_str!("delete_account.sql"), &[&id]).await?;
            let details = [("name", name.as_str())];
            let kind = Kind::ServiceAccountDeleted;
            Ok(note(transaction, kind, Some(actor), id, &details).await?)
        })
    })
    .await
}

/// Stores a key of a service of the product, and its account where there is none. If
/// it is the only one of its name, it takes the place of those that had it.
pub(crate) async fn ensure_service_key(
    pool: &Pool,
    service: &str,
    (key, name): (&ApiKey, &str),
    is_only: bool,
) -> Result<(), Error> {
    let given = (service, key, name, is_only);
    pool.transaction(given, |transaction, &(service, key, name, is_only)| {
        Box::pin(async move {
            let sql = include_str!("ensure_service.sql");
            let row = transaction.row(sql, &[&Uuid::now_v7(), &service]).await?;
            let row = row.ok_or(Error::NameTaken)?;
            let id = row.try_get("service_account_id").map_err(unreadable)?;
            if is_only {
                end_keys(transaction, None, id, Some(name)).await?;
            }
            let new = NewKey::of_service(id, key, name);
            insert_key(transaction, None, &new).await.map(drop)
        })
    })
    .await
}

/// Every key that ends before its time ends here, in the transaction that ends it:
/// whoever must no longer believe its tokens is told by this. They carry the key's
/// id as their session.
pub(super) async fn revoked(
    transaction: &Transaction<'_>,
    actor: Option<Uuid>,
    owner: Owner,
    key_ids: &[Uuid],
) -> Result<(), database::Error> {
    for key_id in key_ids {
        let key_id = key_id.to_string();
        let details = [("api_key_id", key_id.as_str())];
        note(transaction, Kind::ApiKeyRevoked, actor, owner.id(), &details).await?;
    }
    trust::revoke_sessions(transaction, key_ids).await
}

/// Ends the keys of an account, all or those of a name.
async fn end_keys(
    transaction: &Transaction<'_>,
    actor: Option<Uuid>,
    account_id: Uuid,
    name: Option<&str>,
) -> Result<(), Error> {
    let rows = transaction.rows(include_str!("delete_keys.sql"), &[&account_id, &name]).await?;
    let keys = rows.iter().map(|row| row.try_get("key_id"));
    let keys = keys.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    Ok(revoked(transaction, actor, Owner::ServiceAccount(account_id), &keys).await?)
}

/// Ends the keys of a user.
pub(crate) async fn end_keys_of_user(
    transaction: &Transaction<'_>,
    actor: Option<Uuid>,
    user_id: Uuid,
) -> Result<(), database::Error> {
    let rows = transaction.rows(include_str!("delete_keys_of_user.sql"), &[&user_id]).await?;
    let keys = rows.iter().map(|row| row.try_get("key_id"));
    revoked(transaction, actor, Owner::User(user_id), &keys.collect::<Result<Vec<_>, _>>()?).await
}

async fn insert_key(
    transaction: &Transaction<'_>,
    actor: Option<Uuid>,
    new: &NewKey,
) -> Result<pb::CreateApiKeyResponse, Error> {
    let NewKey { key, owner, name, scopes, days } = new;
    let (user_id, service_account_id) = (owner.user_id(), owner.service_account_id());
    let owners: [&(dyn ToSql + Sync); 2] = [&user_id, &service_account_id];
    // Those who make one at the same time take turns, so that they can be counted.
    let row = transaction.row(include_str!("lock_owner.sql"), &owners).await?;
    row.ok_or(Error::NoOwner)?;
    transaction.rows(include_str!("delete_expired.sql"), &owners).await?;
    let params: [&(dyn ToSql + Sync); 8] =
        [&key.id(), &user_id, &service_account_id, &key.hash(), name, scopes, days, &MOST_KEYS];
    let row = transaction.row(include_str!("insert_key.sql"), &params).await?;
    let api_key = listing::read(&row.ok_or(Error::TooMany)?).map_err(unreadable)?;
    let scopes = scopes.join(" ");
    let details = [("api_key_id", api_key.id.as_str()), ("scope", scopes.as_str())];
    note(transaction, Kind::ApiKeyCreated, actor, owner.id(), &details).await?;
    Ok(pb::CreateApiKeyResponse { api_key: Some(api_key), key: key.expose().to_owned() })
}

async fn used(transaction: &Transaction<'_>, known: &Known) -> Result<(), Error> {
    let client = RequestContext::current().and_then(|context| context.client);
    let address = client.map(|client| client.address.to_string()).unwrap_or_default();
    let sql = include_str!("use_key.sql");
    if transaction.row(sql, &[&known.key_id, &address]).await?.is_some() {
        let (key_id, owner_id) = (known.key_id.to_string(), known.owner.id());
        let details = [("api_key_id", key_id.as_str())];
        note(transaction, Kind::ApiKeyUsed, Some(owner_id), owner_id, &details).await?;
    }
    Ok(())
}

async fn note(
    transaction: &Transaction<'_>,
    kind: Kind,
    actor: Option<Uuid>,
    subject: Uuid,
    details: &[(&str, &str)],
) -> Result<(), database::Error> {
    let event = audit::Event { kind, actor, subject: Some(subject), session: None, details };
    audit::record(transaction, &event).await
}

fn taken(error: database::Error) -> Error {
    match error.constraint() {
        Some("service_accounts_name_key") => Error::NameTaken,
        _ => Error::Database(error),
    }
}

fn owner(row: &Row) -> Result<Owner, tokio_postgres::Error> {
    Ok(match row.try_get("user_id")? {
        Some(user_id) => Owner::User(user_id),
        None => Owner::ServiceAccount(row.try_get("service_account_id")?),
    })
}

fn known(row: &Row) -> Result<Known, tokio_postgres::Error> {
    Ok(Known {
        key_id: row.try_get("key_id")?,
        owner: owner(row)?,
        secret_hash: row.try_get("secret_hash")?,
        scopes: row.try_get("scopes")?,
        roles: row.try_get("roles")?,
        expires_at: row.try_get("expires_at")?,
        is_suspended: row.try_get("is_suspended")?,
    })
}

fn read_account(row: &Row) -> Result<pb::ServiceAccount, Error> {
    let read = || {
        Ok(pb::ServiceAccount {
            id: row.try_get::<_, Uuid>("service_account_id")?.to_string(),
            name: row.try_get("name")?,
            roles: row.try_get("roles")?,
            created_at: Some(to_proto(row.try_get("created_at")?)),
        })
    };
    read().map_err(unreadable)
}

fn unreadable(error: tokio_postgres::Error) -> Error {
    Error::Database(error.into())
}

impl database::Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::NoKey
            | Self::NoAccount
            | Self::NoOwner
            | Self::Invalid
            | Self::NameTaken
            | Self::TooMany
            | Self::Keys(_) => None,
        }
    }
}
