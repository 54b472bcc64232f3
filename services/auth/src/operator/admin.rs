//! Administrators that an operator makes, where there is nobody to ask.

use database::{Cause, Pool, Transaction};
use uuid::Uuid;

use super::Error;
use crate::{
    administration::lock_ranks,
    audit::{self, Kind},
    secrets::Token,
    sessions,
    users::normal_email,
};

/// Makes an admin account that no password opens, and a link that signs in to it
/// once within 15 minutes; returns the token of the link. Whose account there is
/// with the address is made an admin only if `promote` says so.
pub async fn create_admin(pool: &Pool, email: &str, promote: bool) -> Result<String, Error> {
    let email = normal_email(email);
    pool.transaction((email, promote), |transaction, (email, promote)| {
        Box::pin(async move {
            lock_ranks(transaction).await?;
            let row = transaction.row(include_str!("account.sql"), &[email]).await?;
            let user_id = match row {
                None => create(transaction, email).await?,
                Some(row) => {
                    let read = |name| row.try_get::<_, bool>(name).map_err(database::Error::from);
                    let user_id = row.try_get("user_id").map_err(database::Error::from)?;
                    match (read("is_suspended")?, read("is_admin")?, promote) {
                        (true, _, _) => return Err(Error::Suspended),
                        (false, true, _) => {}
                        (false, false, true) => make_admin(transaction, user_id).await?,
                        (false, false, false) => return Err(Error::NoAdmin),
                    }
                    user_id
                }
            };
            link(transaction, email, user_id).await
        })
    })
    .await
}

async fn create(transaction: &Transaction<'_>, email: &str) -> Result<Uuid, Error> {
    let user_id = Uuid::now_v7();
    transaction.row(include_str!("create_admin.sql"), &[&user_id, &email]).await?;
    record(transaction, Kind::AccountCreated, user_id, &[("has", "admin")]).await?;
    Ok(user_id)
}

async fn make_admin(transaction: &Transaction<'_>, user_id: Uuid) -> Result<(), Error> {
    transaction.row(include_str!("promote.sql"), &[&user_id]).await?;
    sessions::end_all(transaction, user_id, None).await?;
    record(transaction, Kind::RolesChanged, user_id, &[("has", "admin")]).await
}

async fn link(transaction: &Transaction<'_>, email: &str, user_id: Uuid) -> Result<String, Error> {
    let token = Token::random();
    let row = transaction.row(include_str!("insert_link.sql"), &[&token.hash(), &email]).await?;
    row.ok_or(Error::NoAdmin)?;
    record(transaction, Kind::LinkMade, user_id, &[]).await?;
    Ok(token.into_text())
}

/// Writes down what an operator did.
async fn record(
    transaction: &Transaction<'_>,
    kind: Kind,
    user_id: Uuid,
    details: &[(&str, &str)],
) -> Result<(), Error> {
    let details: Vec<_> = details.iter().copied().chain([("by", "operator")]).collect();
    let subject = Some(user_id);
    let event = audit::Event { kind, actor: None, subject, session: None, details: &details };
    Ok(audit::record(transaction, &event).await?)
}

impl Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::NoAdmin | Self::Suspended | Self::NoServiceKey(_) => None,
        }
    }
}
