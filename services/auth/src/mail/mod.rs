//! Letters to users: written in the transaction of their cause, sent later.

mod letter;
mod store;

use std::sync::Arc;

use database::{Error, Transaction};
use platform::seal::{MasterKey, Sealer};

pub(crate) use self::letter::Letter;

/// Takes letters to be sent.
#[derive(Clone, Debug)]
pub(crate) struct PostOffice {
    sealer: Arc<Sealer>,
    /// Where links in letters lead, without a slash at its end.
    public_url: Arc<str>,
}

// === impl PostOffice ===

impl PostOffice {
    /// Seals what is in letters; links in them lead to a URL and to nothing that a
    /// request says.
    pub(crate) fn new(master: &MasterKey, public_url: &str) -> Self {
        let sealer = Arc::new(master.sealer("auth letters"));
        Self { sealer, public_url: public_url.trim_end_matches('/').into() }
    }

    /// Takes a letter, to be sent if and only if the transaction is committed.
    pub(crate) async fn take(
        &self,
        transaction: &Transaction<'_>,
        recipient: &str,
        letter: &Letter,
    ) -> Result<(), Error> {
        store::insert(transaction, &self.sealer, recipient, letter).await
    }

    /// A link to a page.
    pub(crate) fn page(&self, page: &str) -> String {
        format!("{}/{page}", self.public_url)
    }

    /// A link to a page, with a secret that no server on the way gets to see.
    pub(crate) fn link(&self, page: &str, token: &str) -> String {
        format!("{}/{page}#token={token}", self.public_url)
    }
}
