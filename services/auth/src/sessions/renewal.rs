//! A session whose user has just proven once more who they are.

use database::Transaction;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    Error, Issued, Issuer, Proof, SignedIn,
    store::{sign_in, unreadable},
};
use crate::secrets::Token;

const PROVE: &str = concat!(
    include_str!("prove.sql"),
    ", shown AS (",
    include_str!("../users/row.sql"),
    ")\n",
    include_str!("signed_in.sql"),
);

/// Notes a new proof of who a session belongs to. What comes back has an access token
/// that says so; the refresh token stays the one that its owner has, so that no
/// other tab of theirs loses it.
pub(crate) async fn renew(
    transaction: &Transaction<'_>,
    (user_id, session_id): (Uuid, Uuid),
    proof: Proof,
    issuer: &Issuer,
) -> Result<SignedIn, Error> {
    let params: [&(dyn ToSql + Sync); 3] = [&session_id, &user_id, &proof.amr_beside_others()];
    let row = transaction.row(PROVE, &params).await?.ok_or(Error::Ended)?;
    // No token outlives its session.
    let expires_at: Timestamp = row.try_get("ends_at").map_err(unreadable)?;
    let token = Token::random();
    let unused = Issued { session_id, user_id, token, expires_at };
    let signed_in = sign_in(&row, unused, issuer)?;
    Ok(SignedIn { refresh_token: None, refresh_token_expires_at: None, ..signed_in })
}

/// Checks that a session is there still and was opened with a second factor: what its
/// access token says may be five minutes old.
pub(crate) async fn require_strong(
    transaction: &Transaction<'_>,
    (user_id, session_id): (Uuid, Uuid),
) -> Result<(), Error> {
    let row = transaction.row(include_str!("strong.sql"), &[&session_id, &user_id]).await?;
    row.map(drop).ok_or(Error::Ended)
}
