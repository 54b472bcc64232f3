//! Writes to addresses, and knows what their readers answer.

use database::{Error, Transaction};
use uuid::Uuid;

use super::{Challenge, Codes, Purpose, random_code, store};
use crate::{
    mail::{Letter, PostOffice},
    secrets::Token,
};

/// Writes the letters that are to be answered.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) post: PostOffice,
    pub(crate) codes: Codes,
}

/// A letter that somebody wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) email: &'a str,
    pub(crate) user_id: Option<Uuid>,
    /// Who reads it.
    pub(crate) reader: Reader,
}

/// Who reads what is sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Whoever asked, if the address is theirs.
    Asker,
    /// Somebody who has an account already: they are told so, and nothing that
    /// could be answered.
    Owner,
    /// Nobody: there is nothing to write about. Only what takes time is done.
    Nobody,
}

// === impl Desk ===

impl Desk {
    /// Writes a letter, unless one for the same purpose went to the address within
    /// the last minute, or five within the last hour. A new letter about an account
    /// replaces those before it.
    pub(crate) async fn write(
        &self,
        transaction: &Transaction<'_>,
        wanted: &Wanted<'_>,
    ) -> Result<Option<Uuid>, Error> {
        let Wanted { purpose, email, user_id, reader } = *wanted;
        if store::is_too_many(transaction, email, purpose).await? {
            return Ok(None);
        }
        let id = Uuid::now_v7();
        let challenge = Challenge { id, purpose, email: email.to_owned(), user_id };
        let (token, code) = (Token::random(), random_code());
        let sealed = self.codes.seal(&challenge, &code);
        let minutes = purpose.minutes();
        store::insert(transaction, &challenge, &token, &sealed, minutes).await?;
        let letter = match reader {
            Reader::Asker => self.letter(purpose, token, code),
            Reader::Owner => Letter::AlreadySignedUp { link: self.post.page("reset-password") },
            Reader::Nobody => return Ok(Some(id)),
        };
        self.post.take(transaction, email, &letter).await?;
        Ok(Some(id))
    }

    fn letter(&self, purpose: Purpose, token: Token, code: String) -> Letter {
        let page = match purpose {
            Purpose::SignUp | Purpose::Verify | Purpose::Change => "verify-email",
            Purpose::Reset => "reset-password",
        };
        let (link, minutes) = (self.post.link(page, &token.into_text()), purpose.minutes());
        match purpose {
            Purpose::SignUp | Purpose::Verify => Letter::EmailVerification { code, link, minutes },
            Purpose::Change => Letter::EmailChange { code, link, minutes },
            Purpose::Reset => Letter::PasswordReset { code, link, minutes },
        }
    }
}
