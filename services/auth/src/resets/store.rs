//! Passwords in `PostgreSQL`.

use database::{Cause, Once, Pool, Transaction};
use proto::auth::v1::{
    ChangePasswordResponse, ConfirmPasswordResetResponse, RequestPasswordResetResponse,
};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Change, Error};
use crate::{
    audit,
    challenges::{self, Challenge, Desk, Purpose, Reader, Wanted},
    defence::Defence,
    machines,
    mail::{Letter, PostOffice},
    passwords::OwnWords,
    reproof::Reproof,
    sessions,
};

type Done<T> = Result<database::Done<T>, Error>;

/// Changes a password, and ends all sessions but the one that it is done in.
pub(super) async fn change(
    once: &Once<'_>,
    change: &Change,
    post: &PostOffice,
) -> Done<ChangePasswordResponse> {
    once.transaction((change, post), |transaction, &(change, post)| {
        Box::pin(async move {
            let Change { user_id, session_id, email, had, proven } = change;
            let hash = proven.as_ref().map_err(|reproof| Error::Unproven(*reproof))?;
            let params: [&(dyn ToSql + Sync); 3] = [user_id, hash, had];
            let set = transaction.row(include_str!("set_password.sql"), &params).await?;
            // What was proven was the password that somebody has replaced meanwhile.
            set.ok_or(Error::Unproven(Reproof::Wrong))?;
            tell(transaction, (*user_id, email), *session_id, post).await?;
            record(transaction, audit::Kind::PasswordChanged, *user_id).await?;
            Ok(ChangePasswordResponse {})
        })
    })
    .await
}

/// Writes to the owner of the account with an address, if there is one. That there
/// is none takes the same steps.
pub(super) async fn request(
    once: &Once<'_>,
    email: &str,
    desk: &Desk,
) -> Done<RequestPasswordResetResponse> {
    once.transaction((email, desk), |transaction, &(email, desk)| {
        Box::pin(async move {
            let row = transaction.row(include_str!("find_account.sql"), &[&email]).await?;
            let user_id = row.map(|row| row.try_get("user_id")).transpose();
            let user_id: Option<Uuid> = user_id.map_err(database::Error::from)?;
            let reader = if user_id.is_some() { Reader::Asker } else { Reader::Nobody };
            let wanted = Wanted { purpose: Purpose::Reset, email, user_id, reader };
            // Whether one was written a moment ago is not told.
            let written = desk.write(transaction, &wanted).await?;
            if let (Some(user_id), Some(_)) = (user_id, written) {
                record(transaction, audit::Kind::PasswordResetRequested, user_id).await?;
            }
            Ok(RequestPasswordResetResponse {})
        })
    })
    .await
}

/// The words that the new password of an account must not be made of; none if the
/// account has another address than the letter went to.
pub(super) async fn own_words(
    pool: &Pool,
    challenge: &Challenge,
) -> Result<Option<OwnWords>, Error> {
    let params: [&(dyn ToSql + Sync); 2] = [&challenge.user_id, &challenge.email];
    let row = pool.row(include_str!("own_words.sql"), &params).await?;
    let read = |row: tokio_postgres::Row| {
        let (email, username) = (row.try_get("email")?, row.try_get("username")?);
        Ok(OwnWords::new(email, username, row.try_get("display_name")?))
    };
    row.map(read).transpose().map_err(|error: tokio_postgres::Error| Error::Database(error.into()))
}

/// Gives an account the password that the reader of a letter has chosen, and ends
/// all sessions.
pub(super) async fn reset(
    once: &Once<'_>,
    chosen: Option<(&Challenge, &str)>,
    (post, defence): (&PostOffice, &Defence),
) -> Done<ConfirmPasswordResetResponse> {
    once.transaction((chosen, post, defence), |transaction, &(chosen, post, defence)| {
        Box::pin(async move {
            let (challenge, hash) = chosen.ok_or(Error::Invalid)?;
            let user_id = challenge.user_id.ok_or(Error::Invalid)?;
            if !challenges::use_up(transaction, challenge.id).await? {
                return Err(Error::Invalid);
            }
            let params: [&(dyn ToSql + Sync); 3] = [&user_id, &challenge.email, &hash];
            let row = transaction.row(include_str!("reset_password.sql"), &params).await?;
            let row = row.ok_or(Error::Invalid)?;
            if !row.try_get::<_, bool>("was_verified").map_err(database::Error::from)? {
                strip(transaction, user_id).await?;
            }
            tell(transaction, (user_id, &challenge.email), None, post).await?;
            defence.forgive(transaction, &challenge.email).await?;
            defence.forgive_proofs(transaction, user_id).await?;
            record(transaction, audit::Kind::PasswordReset, user_id).await?;
            Ok(ConfirmPasswordResetResponse {})
        })
    })
    .await
}

/// Takes away what lets anybody in besides the new password: until its address was
/// proven, the account may have been made by whoever likes, for its owner to find.
/// Second factors let nobody in and stay.
async fn strip(transaction: &Transaction<'_>, user_id: Uuid) -> Result<(), Error> {
    transaction.rows(include_str!("unlink.sql"), &[&user_id]).await?;
    Ok(machines::end_keys_of_user(transaction, None, user_id).await?)
}

/// What follows from a new password: no other session goes on, no letter opens the
/// account any more, and its owner knows.
async fn tell(
    transaction: &Transaction<'_>,
    (user_id, email): (Uuid, &str),
    except: Option<Uuid>,
    post: &PostOffice,
) -> Result<(), Error> {
    sessions::end_all(transaction, user_id, except).await?;
    challenges::cancel(transaction, user_id, &[Purpose::Reset, Purpose::Change]).await?;
    Ok(post.take(transaction, email, &Letter::PasswordChanged {}).await?)
}

async fn record(
    transaction: &Transaction<'_>,
    kind: audit::Kind,
    user_id: Uuid,
) -> Result<(), Error> {
    // Whoever asks for a letter, or has one, has not signed in.
    let actor = (kind == audit::Kind::PasswordChanged).then_some(user_id);
    let event = audit::Event { kind, actor, subject: Some(user_id), session: None, details: &[] };
    Ok(audit::record(transaction, &event).await?)
}

impl Cause for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Invalid | Self::Unproven(_) => None,
        }
    }
}
