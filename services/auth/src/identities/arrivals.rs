//! Those who come from another site for the first time.

use database::Transaction;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    Arrival, Claimed, Error, Holder,
    links::{insert, tell},
    provider::Provider,
    store::unreadable,
};
use crate::{
    mail::PostOffice,
    secrets::Token,
    users::{SignUp, Username},
};

/// How often a name is changed until it is nobody else's.
const NAMES: usize = 5;

/// Finds or makes the account of somebody who comes for the first time.
pub(super) async fn arrive(
    transaction: &Transaction<'_>,
    claimed: &Claimed,
    provider: &Provider,
    (post_office, sign_up): (&PostOffice, SignUp),
) -> Result<Uuid, Error> {
    let email = claimed.email.as_deref().ok_or(Error::EmailMissing)?;
    let holder = holder(transaction, email).await?;
    let is_trusted = provider.settings.trust_email;
    match Arrival::decide(is_trusted, claimed.is_email_verified, holder) {
        Arrival::EmailTaken => Err(Error::EmailTaken),
        Arrival::Owner(user_id) => {
            insert(transaction, (user_id, None), claimed, provider).await?;
            tell(transaction, user_id, "added", provider, post_office).await?;
            Ok(user_id)
        }
        Arrival::New { .. } if sign_up == SignUp::Closed => Err(Error::SignUpClosed),
        Arrival::New { is_verified } => {
            let user_id = make(transaction, claimed, email, is_verified).await?;
            insert(transaction, (user_id, None), claimed, provider).await?;
            Ok(user_id)
        }
    }
}

async fn holder(transaction: &Transaction<'_>, email: &str) -> Result<Option<Holder>, Error> {
    let row = transaction.row(include_str!("holder.sql"), &[&email]).await?;
    let read = |row: Row| {
        let (user_id, is_verified) = (row.try_get("user_id")?, row.try_get("is_verified")?);
        Ok(Holder { user_id, is_verified })
    };
    row.map(read).transpose().map_err(unreadable)
}

/// Makes an account that no password opens, under a name that nobody has.
async fn make(
    transaction: &Transaction<'_>,
    claimed: &Claimed,
    email: &str,
    is_verified: bool,
) -> Result<Uuid, Error> {
    let user_id = Uuid::now_v7();
    for attempt in 0..NAMES {
        let username = match attempt {
            0 => claimed.username.clone(),
            _ => format!("{}-{}", claimed.username, suffix()),
        };
        let username = Username::new(username);
        if username.is_reserved() {
            continue;
        }
        let Username { text, skeleton } = username;
        let params: [&(dyn ToSql + Sync); 6] =
            [&user_id, &email, &text, &skeleton, &claimed.display_name, &is_verified];
        let row = transaction.row(include_str!("insert_user.sql"), &params).await?;
        if row.is_some() {
            return Ok(user_id);
        }
    }
    // Not the name, then: somebody signs up with the address at this moment.
    Err(Error::EmailTaken)
}

/// Six characters that nobody guesses.
fn suffix() -> String {
    let random = Token::random().into_text().to_ascii_lowercase();
    random.chars().filter(char::is_ascii_alphanumeric).take(6).collect()
}
