//! What signing in once more asks of `PostgreSQL`.

use database::Pool;
use uuid::Uuid;

/// The hash of an account's password.
pub(super) async fn password_hash(
    pool: &Pool,
    user_id: Uuid,
) -> Result<Option<String>, database::Error> {
    let row = pool.row(include_str!("password.sql"), &[&user_id]).await?;
    Ok(row.map(|row| row.try_get("password_hash")).transpose()?)
}
