//! Devices that are known: somebody signed in with them before.
//!
//! A device is known for a user. In a browser that several use, each has their own
//! row under the one token. A token that somebody else brought along is replaced,
//! so that nobody can plant one; the others of the browser go along to the new one.

mod name;
mod store;

use jiff::Timestamp;

pub(crate) use self::{
    name::name_of_client,
    store::{read_replaced, recognise, replacing, touching},
};
use crate::secrets::Token;

/// The device that somebody signs in with, as they present it.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    token: Option<Token>,
    name: String,
}

/// A device that is known from now on.
#[derive(Debug)]
pub(crate) struct Recognised {
    /// What makes it known.
    pub(crate) token: Token,
    /// When it is forgotten.
    pub(crate) expires_at: Timestamp,
}

// === impl Device ===

impl Device {
    /// Takes what a request says about a device: what it was given before, and what
    /// it shall be called.
    pub(crate) fn presented(token: Option<String>, name: &str) -> Self {
        let token = token.filter(|token| !token.is_empty()).map(Token::presented);
        let name = match name.trim() {
            "" => name_of_client(),
            name => name.to_owned(),
        };
        Self { token, name }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the database knows of its token.
    pub(crate) fn hash(&self) -> Option<Vec<u8>> {
        self.token.as_ref().map(Token::hash)
    }
}
