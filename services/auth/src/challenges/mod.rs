//! Letters that are to be answered: with the code or the link in them somebody
//! proves that they read what is sent to an address.

mod desk;
mod store;

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use platform::seal::{MasterKey, SteadySealer};
use uuid::Uuid;

pub(crate) use self::{
    desk::{Desk, Reader, Wanted},
    store::{cancel, find, use_up},
};
use crate::secrets::{self, Token};

/// What a letter is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Makes the account that somebody signed up for.
    SignUp,
    /// Proves the address of an account.
    Verify,
    /// Gives an account another address.
    Change,
    /// Gives an account another password.
    Reset,
}

/// Knows codes without their being written down: the database has eight digits
/// sealed for one letter, to be compared and of use for nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Codes(Arc<SteadySealer>);

/// What somebody answers with.
#[derive(Debug)]
pub(crate) enum Answer {
    /// What is behind the link.
    Token(Token),
    /// The code in a letter to an address.
    Code { email: String, code: String },
}

/// A letter that was answered well and that nothing was done about yet.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    pub(crate) id: Uuid,
    pub(crate) purpose: Purpose,
    /// Where the letter went.
    pub(crate) email: String,
    /// Whose account it is about.
    pub(crate) user_id: Option<Uuid>,
}

// === impl Purpose ===

impl Purpose {
    /// Those that prove an address.
    pub(crate) const OF_EMAILS: [Self; 3] = [Self::SignUp, Self::Verify, Self::Change];

    const ALL: [Self; 4] = [Self::SignUp, Self::Verify, Self::Change, Self::Reset];

    /// Its name in the database.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::Verify => "verify",
            Self::Change => "change",
            Self::Reset => "reset",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }

    /// For how long the letter is good.
    fn minutes(self) -> u32 {
        match self {
            Self::SignUp | Self::Verify | Self::Change => 10,
            Self::Reset => 30,
        }
    }
}

// === impl Challenge ===

impl Challenge {
    /// What its code is bound to.
    fn context(&self) -> Vec<u8> {
        let Self { id, purpose, email, user_id } = self;
        let user_id = user_id.unwrap_or_default();
        let purpose = purpose.name().as_bytes();
        [id.as_bytes(), user_id.as_bytes().as_slice(), purpose, b" ", email.as_bytes()].concat()
    }
}

// === impl Codes ===

impl Codes {
    pub(crate) fn new(master: &MasterKey) -> Self {
        Self(Arc::new(master.steady_sealer("auth codes in letters")))
    }

    /// What the database knows of a code: it is bound to the letter, what the
    /// letter is for, its address and the account.
    fn seal(&self, challenge: &Challenge, code: &str) -> Vec<u8> {
        self.0.seal(&challenge.context(), code.as_bytes())
    }

    /// Whether it is the code of a letter, whichever master key it was sealed with.
    fn is(&self, challenge: &Challenge, code: &str, sealed: &[u8]) -> bool {
        let right = self.0.open(&challenge.context(), sealed);
        right.is_ok_and(|right| verify_slices_are_equal(&right, code.as_bytes()).is_ok())
    }
}

// === impl Answer ===

impl Answer {
    /// Reads an answer: the token counts if there is one.
    pub(crate) fn new(token: String, email: &str, code: &str) -> Self {
        if !token.is_empty() {
            return Self::Token(Token::presented(token));
        }
        let email = crate::users::normal_email(email);
        Self::Code { email, code: code.split([' ', '-']).collect() }
    }
}

/// Eight random digits.
fn random_code() -> String {
    format!("{:08}", secrets::random_below(100_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge() -> Challenge {
        Challenge {
            id: Uuid::now_v7(),
            purpose: Purpose::Reset,
            email: "ann@example.com".to_owned(),
            user_id: Some(Uuid::now_v7()),
        }
    }

    #[test]
    fn a_code_is_good_for_one_letter_about_one_account_at_one_address() {
        let master: MasterKey = "A".repeat(43).parse().unwrap();
        let (codes, letter) = (Codes::new(&master), challenge());
        let sealed = codes.seal(&letter, "12345678");
        assert_eq!(codes.seal(&letter, "12345678"), sealed);
        assert!(!sealed.windows(8).any(|part| part == b"12345678"));
        assert_ne!(codes.seal(&letter, "12345679"), sealed);
        let others = [
            Challenge { id: Uuid::now_v7(), ..letter.clone() },
            Challenge { purpose: Purpose::Verify, ..letter.clone() },
            Challenge { email: "bob@example.com".to_owned(), ..letter.clone() },
            Challenge { user_id: None, ..letter },
        ];
        for other in others {
            assert_ne!(codes.seal(&other, "12345678"), sealed, "{other:?}");
        }
    }

    #[test]
    fn codes_have_eight_digits_and_differ() {
        let codes: std::collections::BTreeSet<_> = (0..100).map(|_| random_code()).collect();
        assert!(codes.len() > 90, "{codes:?}");
        for code in codes {
            assert!(code.len() == 8 && code.bytes().all(|it| it.is_ascii_digit()), "{code}");
        }
    }

    #[test]
    fn purposes_have_names_of_their_own() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::named(purpose.name()), Some(purpose));
        }
        assert_eq!(Purpose::named("other"), None);
    }
}
