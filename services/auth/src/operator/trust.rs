//! Whom an operator, or another process, lets verifiers trust no more.

use database::{Error, Pool};
use uuid::Uuid;

use crate::trust;

/// An error of the database, and nothing else.
struct Failed(Error);

/// Refuses every token of a user, and ends their sessions.
pub async fn suspend_user(pool: &Pool, user_id: Uuid) -> Result<(), Error> {
    let suspended = pool.transaction(user_id, |transaction, user_id| {
        Box::pin(async move { Ok::<_, Failed>(trust::suspend_user(transaction, *user_id).await?) })
    });
    suspended.await.map_err(|Failed(error)| error)
}

/// Lets a user be trusted again, once they have signed in.
pub async fn restore_user(pool: &Pool, user_id: Uuid) -> Result<(), Error> {
    let restored = pool.transaction(user_id, |transaction, user_id| {
        Box::pin(async move { Ok::<_, Failed>(trust::restore_user(transaction, *user_id).await?) })
    });
    restored.await.map_err(|Failed(error)| error)
}

/// Refuses every token of sessions, or of whatever else the `sid` of a token names.
pub async fn revoke_sessions(pool: &Pool, session_ids: &[Uuid]) -> Result<(), Error> {
    let revoked = pool.transaction(session_ids, |transaction, session_ids| {
        Box::pin(
            async move { Ok::<_, Failed>(trust::revoke_sessions(transaction, session_ids).await?) },
        )
    });
    revoked.await.map_err(|Failed(error)| error)
}

// === impl Failed ===

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl database::Cause for Failed {
    fn database(&self) -> Option<&Error> {
        Some(&self.0)
    }
}
