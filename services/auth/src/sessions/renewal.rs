//! A session whose user has just proven once more who they are.

use database::Transaction;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Error, Issued, Issuer, Proof, SignedIn,
    store::{sign_in, unreadable},
};
use crate::secrets::Token;

/// Notes a new proof of who a session belongs to. What comes back has an access token
/// that says so; the refresh token stays the one that its owner has, so that no
/// other tab of theirs loses it.
pub(crate) async fn renew(
    transaction: &Transaction<'_>,
    (user_id, session_id): (Uuid, Uuid),
    proof: Proof,
    issuer: &Issuer,
) -> Result<SignedIn, Error> {
    let sql = include_str!("prove.sql");
    let row = transaction.row(sql, &[&session_id, &user_id, &proof.amr_beside_others()]).await?;
    let session_id = row.ok_or(Error::Ended)?.try_get("session_id").map_err(unreadable)?;
    let (token, expires_at) = (Token::random(), Timestamp::now());
    let unused = Issued { session_id, user_id, token, expires_at };
    let signed_in = sign_in(transaction, unused, issuer).await?;
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
