//! Signing up: at once, or when the address is proven.

use database::{Done, Once, Transaction};
use proto::auth::v1::User;
use uuid::Uuid;

use super::{Error, NewAccount, SignUp, store, waiting};
use crate::{
    audit,
    challenges::{Challenge, Desk, Purpose, Reader, Wanted},
};

/// Signs somebody up, and writes to their address.
pub(super) async fn begin(
    once: &Once<'_>,
    sign_up: SignUp,
    account: (&NewAccount, &str),
    desk: &Desk,
) -> Result<Done<User>, Error> {
    once.transaction((sign_up, account, desk), |transaction, &(sign_up, account, desk)| {
        Box::pin(async move {
            match sign_up {
                SignUp::Verified => announce(transaction, account, desk).await,
                SignUp::Open | SignUp::Closed => open(transaction, account, desk).await,
            }
        })
    })
    .await
}

/// Makes the account that somebody signed up for, whose address they have proven.
pub(crate) async fn complete(
    transaction: &Transaction<'_>,
    challenge: &Challenge,
) -> Result<User, Error> {
    let Challenge { id, email, .. } = challenge;
    let (account, hash) = waiting::take_sign_up(transaction, *id, email).await?;
    insert(transaction, (&account, &hash)).await
}

/// Makes an account whose address is not proven yet.
async fn open(
    transaction: &Transaction<'_>,
    (account, hash): (&NewAccount, &str),
    desk: &Desk,
) -> Result<User, Error> {
    let user = insert(transaction, (account, hash)).await?;
    let (purpose, user_id) = (Purpose::Verify, Some(account.id));
    let wanted = Wanted { purpose, email: &account.email, user_id, reader: Reader::Asker };
    desk.write(transaction, &wanted).await?;
    Ok(user)
}

/// Keeps an account until its address is proven. What is done and what is answered
/// is the same when somebody has the address: then its owner is told.
async fn announce(
    transaction: &Transaction<'_>,
    (account, hash): (&NewAccount, &str),
    desk: &Desk,
) -> Result<User, Error> {
    let taken = store::what_is_taken(transaction, account).await?;
    // Names are public; which address belongs to this one is not said.
    if taken.username {
        return Err(Error::UsernameTaken);
    }
    let reader = if taken.email { Reader::Owner } else { Reader::Asker };
    let (purpose, email) = (Purpose::SignUp, account.email.as_str());
    let written =
        desk.write(transaction, &Wanted { purpose, email, user_id: None, reader }).await?;
    if let Some(challenge_id) = written {
        waiting::insert_sign_up(transaction, challenge_id, account, hash).await?;
    }
    Ok(account.announced())
}

async fn insert(
    transaction: &Transaction<'_>,
    (account, hash): (&NewAccount, &str),
) -> Result<User, Error> {
    let user = store::insert(transaction, account, hash).await?;
    let owner = Uuid::try_parse(&user.id).ok();
    let event = audit::Event {
        kind: audit::Kind::AccountCreated,
        actor: owner,
        subject: owner,
        session: None,
        details: &[],
    };
    audit::record(transaction, &event).await?;
    Ok(user)
}

// === impl NewAccount ===

impl NewAccount {
    /// The account as far as whoever asked for it knows it.
    fn announced(&self) -> User {
        let Self { email, username, display_name, .. } = self;
        let shown = if display_name.is_empty() { &username.text } else { display_name };
        User {
            email: email.clone(),
            username: username.text.clone(),
            display_name: shown.clone(),
            ..User::default()
        }
    }
}
