//! Reading letters that are kept: in development, where none is sent.

use database::{Error, Pool};
use jiff::Timestamp;
use platform::seal::{MasterKey, Sealer};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Letter, PURPOSE, render, worker};
use crate::users::normal_email;

/// The letters that are kept in a database, or wait there to be sent.
#[derive(Debug)]
pub struct Mailbox {
    pool: Pool,
    sealer: Sealer,
    product: String,
}

/// A letter that can be read.
#[derive(Debug)]
pub struct Kept {
    /// Its id; later letters have later ones.
    pub id: Uuid,
    /// The address that it goes to.
    pub recipient: String,
    /// Which letter, as `email_verification`.
    pub kind: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// What it says.
    pub written: render::Written,
    /// The link in it, if there is one.
    pub link: Option<String>,
    /// The code in it, if there is one.
    pub code: Option<String>,
}

// === impl Mailbox ===

impl Mailbox {
    /// Opens the mailbox in a database with the master key that its letters were
    /// sealed with.
    pub fn new(pool: Pool, master: &MasterKey, product: &str) -> Self {
        Self { pool, sealer: master.sealer(PURPOSE), product: product.to_owned() }
    }

    /// The newest letters after one, newest first; only those to an address, if one
    /// is given.
    pub async fn letters(
        &self,
        recipient: Option<&str>,
        after: Uuid,
        most: i64,
    ) -> Result<Vec<Kept>, Error> {
        let recipient = recipient.map(normal_email);
        let params: [&(dyn ToSql + Sync); 3] = [&recipient, &after, &most];
        let rows = self.pool.rows(include_str!("mailbox.sql"), &params).await?;
        let mut letters = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, sealed): (Uuid, Vec<u8>) = (row.try_get("letter_id")?, row.try_get("sealed")?);
            // What another key has sealed is not for us.
            let Some(letter) = worker::open(&self.sealer, id, &sealed) else { continue };
            let (link, code) = secrets(&letter);
            letters.push(Kept {
                id,
                recipient: row.try_get("recipient")?,
                kind: row.try_get("kind")?,
                created_at: row.try_get("created_at")?,
                written: render::write(&letter, &self.product),
                link,
                code,
            });
        }
        Ok(letters)
    }
}

/// What a reader does something with.
fn secrets(letter: &Letter) -> (Option<String>, Option<String>) {
    match letter {
        Letter::EmailVerification { code, link, .. }
        | Letter::EmailChange { code, link, .. }
        | Letter::PasswordReset { code, link, .. } => (Some(link.clone()), Some(code.clone())),
        Letter::AlreadySignedUp { link } => (Some(link.clone()), None),
        Letter::AccountErased { receipt } => (None, Some(receipt.clone())),
        Letter::EmailChanged { .. }
        | Letter::PasswordChanged {}
        | Letter::NewDevice { .. }
        | Letter::SessionStolen { .. }
        | Letter::FactorsChanged { .. }
        | Letter::IdentitiesChanged { .. } => (None, None),
    }
}
