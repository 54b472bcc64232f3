//! What is kept about a user in `PostgreSQL`.

use database::{Error as DatabaseError, Pool, Transaction};
use jiff::Timestamp;
use platform::time::to_proto;
use proto::auth::v1::{
    ApiKey, ArchivedAccount, ArchivedConfirmation, ArchivedDevice, ArchivedFactor,
    ArchivedIdentity, ArchivedLetter, ArchivedRecoveryCode, ArchivedSession, AuditEvent,
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use crate::{audit, machines, users};

/// What is short, as it was at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) account: ArchivedAccount,
    pub(super) devices: Vec<ArchivedDevice>,
    pub(super) factors: Vec<ArchivedFactor>,
    pub(super) recovery_codes: Vec<ArchivedRecoveryCode>,
    pub(super) identities: Vec<ArchivedIdentity>,
    pub(super) api_keys: Vec<ApiKey>,
    pub(super) letters: Vec<ArchivedLetter>,
    pub(super) confirmations: Vec<ArchivedConfirmation>,
    /// How far the chain of events went.
    pub(super) chain_end: i64,
    /// The events that had no place in it yet; the last is that this was read.
    pub(super) waiting: Vec<AuditEvent>,
}

type Read<T> = Result<T, tokio_postgres::Error>;
type Time = Option<prost_types::Timestamp>;

/// Reads what is short, and writes down that it was read.
pub(super) async fn snapshot(
    pool: &Pool,
    user_id: Uuid,
    session_id: Option<Uuid>,
) -> Result<Snapshot, users::Error> {
    pool.transaction((user_id, session_id), |transaction, &(user_id, session_id)| {
        Box::pin(async move {
            transaction.rows(include_str!("one_moment.sql"), &[]).await?;
            let account = account(transaction, user_id).await?;
            note(transaction, user_id, session_id).await?;
            Ok(read(transaction, user_id, account).await?)
        })
    })
    .await
}

async fn account(
    transaction: &Transaction<'_>,
    user_id: Uuid,
) -> Result<ArchivedAccount, users::Error> {
    let user = Some(users::find_in(transaction, user_id).await?);
    let row = transaction.row(include_str!("has_password.sql"), &[&user_id]).await?;
    let has_password = row.map_or(Ok(false), |row| row.try_get("has_password"));
    Ok(ArchivedAccount { user, has_password: has_password.map_err(DatabaseError::from)? })
}

async fn note(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    session: Option<Uuid>,
) -> Result<(), DatabaseError> {
    let (kind, by) = (audit::Kind::AccountExported, Some(user_id));
    let event = audit::Event { kind, actor: by, subject: by, session, details: &[] };
    audit::record(transaction, &event).await
}

async fn read(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    account: ArchivedAccount,
) -> Result<Snapshot, DatabaseError> {
    macro_rules! all {
        ($file:literal, $read:expr) => {{
            let rows = transaction.rows(include_str!($file), &[&user_id]).await?;
            rows.iter().map($read).collect::<Read<_>>()?
        }};
    }
    let api_keys = machines::keys_of(transaction, user_id).await?;
    let (chain_end, waiting) = audit::waiting(transaction, user_id).await?;
    Ok(Snapshot {
        account,
        devices: all!("devices.sql", device),
        factors: all!("factors.sql", factor),
        recovery_codes: all!("recovery_codes.sql", recovery_code),
        identities: all!("identities.sql", identity),
        api_keys,
        letters: all!("letters.sql", letter),
        confirmations: all!("confirmations.sql", confirmation),
        chain_end,
        waiting,
    })
}

/// Some sessions of a user, those opened next after one.
pub(super) async fn sessions(
    pool: &Pool,
    user_id: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, ArchivedSession)>, DatabaseError> {
    let params: [&(dyn ToSql + Sync); 3] = [&user_id, &after, &limit];
    let rows = pool.rows(include_str!("sessions.sql"), &params).await?;
    let with_id = |row: &Row| Ok((row.try_get("session_id")?, session(row)?));
    Ok(rows.iter().map(with_id).collect::<Read<_>>()?)
}

fn session(row: &Row) -> Read<ArchivedSession> {
    let impersonator_id: Option<Uuid> = row.try_get("impersonator_id")?;
    Ok(ArchivedSession {
        id: id(row, "session_id")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        ended_at: time(row, "ended_at")?,
        authenticated_at: time(row, "authenticated_at")?,
        proofs: row.try_get("proofs")?,
        device_name: row.try_get("device_name")?,
        address: row.try_get("address")?,
        last_seen_at: time(row, "last_seen_at")?,
        impersonator_id: impersonator_id.map(|id| id.to_string()).unwrap_or_default(),
    })
}

fn device(row: &Row) -> Read<ArchivedDevice> {
    Ok(ArchivedDevice {
        created_at: time(row, "created_at")?,
        last_seen_at: time(row, "last_seen_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

fn factor(row: &Row) -> Read<ArchivedFactor> {
    Ok(ArchivedFactor {
        id: id(row, "factor_id")?,
        kind: row.try_get("kind")?,
        name: row.try_get("name")?,
        created_at: time(row, "created_at")?,
        confirmed_at: time(row, "confirmed_at")?,
        last_used_at: time(row, "last_used_at")?,
    })
}

fn recovery_code(row: &Row) -> Read<ArchivedRecoveryCode> {
    Ok(ArchivedRecoveryCode {
        created_at: time(row, "created_at")?,
        used_at: time(row, "used_at")?,
    })
}

fn identity(row: &Row) -> Read<ArchivedIdentity> {
    Ok(ArchivedIdentity {
        id: id(row, "identity_id")?,
        issuer: row.try_get("issuer")?,
        subject: row.try_get("subject")?,
        email: row.try_get("email")?,
        created_at: time(row, "created_at")?,
        last_used_at: time(row, "last_used_at")?,
    })
}

fn letter(row: &Row) -> Read<ArchivedLetter> {
    Ok(ArchivedLetter {
        id: id(row, "letter_id")?,
        recipient: row.try_get("recipient")?,
        kind: row.try_get("kind")?,
        state: row.try_get("state")?,
        created_at: time(row, "created_at")?,
        settled_at: time(row, "settled_at")?,
        failure: row.try_get("failure")?,
    })
}

fn confirmation(row: &Row) -> Read<ArchivedConfirmation> {
    Ok(ArchivedConfirmation {
        id: id(row, "challenge_id")?,
        purpose: row.try_get("purpose")?,
        email: row.try_get("email")?,
        tries: row.try_get("tries")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        used_at: time(row, "used_at")?,
    })
}

fn id(row: &Row, column: &str) -> Read<String> {
    Ok(row.try_get::<_, Uuid>(column)?.to_string())
}

fn time(row: &Row, column: &str) -> Read<Time> {
    Ok(row.try_get::<_, Option<Timestamp>>(column)?.map(to_proto))
}
