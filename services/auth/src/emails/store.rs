//! Addresses in `PostgreSQL`.

use database::{Cause, Once, Transaction};
use proto::auth::v1::{
    ChangeEmailResponse, ConfirmEmailResponse, RequestEmailVerificationResponse,
};
use uuid::Uuid;

use super::{Change, Error};
use crate::{
    audit,
    challenges::{self, Challenge, Desk, Purpose, Reader, Wanted},
    mail::{Letter, PostOffice},
    reproof::Reproof,
    users,
};

type Done<T> = Result<database::Done<T>, Error>;

/// Writes to the address of an account, so that it is proven.
pub(super) async fn request(
    once: &Once<'_>,
    user_id: Uuid,
    email: &str,
    desk: &Desk,
) -> Done<RequestEmailVerificationResponse> {
    once.transaction((user_id, email, desk), |transaction, &(user_id, email, desk)| {
        Box::pin(async move {
            let (purpose, user_id) = (Purpose::Verify, Some(user_id));
            let wanted = Wanted { purpose, email, user_id, reader: Reader::Asker };
            desk.write(transaction, &wanted).await?.ok_or(Error::TooMany)?;
            Ok(RequestEmailVerificationResponse {})
        })
    })
    .await
}

/// Does what the letter was for that somebody has answered.
pub(super) async fn confirm(
    once: &Once<'_>,
    answered: Option<(&Challenge, Reproof)>,
    post: &PostOffice,
) -> Done<ConfirmEmailResponse> {
    once.transaction((answered, post), |transaction, &(answered, post)| {
        Box::pin(async move {
            let (challenge, reproof) = answered.ok_or(Error::Invalid)?;
            if reproof != Reproof::Given {
                return Err(Error::Unproven(reproof));
            }
            if !challenges::use_up(transaction, challenge.id).await? {
                return Err(Error::Invalid);
            }
            match (challenge.purpose, challenge.user_id) {
                (Purpose::SignUp, None) => {
                    users::complete(transaction, challenge).await?;
                }
                (Purpose::Verify, Some(user_id)) => {
                    verify(transaction, user_id, &challenge.email).await?;
                }
                (Purpose::Change, Some(user_id)) => {
                    change(transaction, user_id, &challenge.email, post).await?;
                }
                _ => return Err(Error::Invalid),
            }
            Ok(ConfirmEmailResponse { email: challenge.email.clone() })
        })
    })
    .await
}

/// Writes to the address that an account shall have.
pub(super) async fn ask_for_change(
    once: &Once<'_>,
    wanted: &Change,
    desk: &Desk,
) -> Done<ChangeEmailResponse> {
    once.transaction((wanted, desk), |transaction, &(wanted, desk)| {
        Box::pin(async move {
            let Change { user_id, email, reproof, tells_taken } = wanted;
            if *reproof != Reproof::Given {
                return Err(Error::Unproven(*reproof));
            }
            let is_taken = users::is_email_taken(transaction, email).await?;
            if is_taken && *tells_taken {
                return Err(users::Error::EmailTaken.into());
            }
            let reader = if is_taken { Reader::Owner } else { Reader::Asker };
            let (purpose, user_id) = (Purpose::Change, Some(*user_id));
            let letter = Wanted { purpose, email, user_id, reader };
            desk.write(transaction, &letter).await?.ok_or(Error::TooMany)?;
            record(transaction, audit::Kind::EmailChangeRequested, user_id).await?;
            Ok(ChangeEmailResponse {})
        })
    })
    .await
}

/// Notes that the address of an account is proven. It may have another one by now.
pub(crate) async fn verify(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    email: &str,
) -> Result<(), Error> {
    let row = transaction.row(include_str!("verify.sql"), &[&user_id, &email]).await?;
    row.ok_or(Error::Invalid)?;
    record(transaction, audit::Kind::EmailVerified, Some(user_id)).await
}

/// Gives an account its new address. Letters to the old one are worth nothing from
/// now on, but for the one that says so.
async fn change(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    email: &str,
    post: &PostOffice,
) -> Result<(), Error> {
    let row = transaction.row(include_str!("find.sql"), &[&user_id]).await?;
    let old: String = row.ok_or(Error::Invalid)?.try_get("email").map_err(database::Error::from)?;
    let changed = transaction.row(include_str!("change.sql"), &[&user_id, &email]).await;
    changed.map_err(|error| match error.constraint() {
        Some("users_email_key") => users::Error::EmailTaken.into(),
        _ => Error::Database(error),
    })?;
    let worthless = [Purpose::Verify, Purpose::Change, Purpose::Reset];
    challenges::cancel(transaction, user_id, &worthless).await?;
    post.take(transaction, &old, &Letter::EmailChanged { new_email: email.to_owned() }).await?;
    record(transaction, audit::Kind::EmailChanged, Some(user_id)).await
}

async fn record(
    transaction: &Transaction<'_>,
    kind: audit::Kind,
    user_id: Option<Uuid>,
) -> Result<(), Error> {
    let (actor, subject) = (user_id, user_id);
    let event = audit::Event { kind, actor, subject, session: None, details: &[] };
    Ok(audit::record(transaction, &event).await?)
}

impl Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::User(error) => error.database(),
            Self::Invalid | Self::TooMany | Self::Unproven(_) => None,
        }
    }
}
