//! Letters to users: written in the transaction of their cause, sent later.

mod carrier;
mod letter;
mod mailbox;
mod message;
mod metrics;
mod render;
mod settings;
mod store;
mod worker;

use std::sync::Arc;

use database::{Error, Pool, Transaction};
use lettre::transport::smtp;
use platform::seal::{MasterKey, Sealer};
use uuid::Uuid;

use self::{carrier::Carrier, metrics::Metrics, settings::Route};
pub(crate) use self::{letter::Letter, settings::Settings, worker::Worker};
pub use self::{
    mailbox::{Kept, Mailbox},
    render::Written,
};

/// What the key is for that seals letters.
const PURPOSE: &str = "auth letters";

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
        let sealer = Arc::new(master.sealer(PURPOSE));
        Self { sealer, public_url: public_url.trim_end_matches('/').into() }
    }

    /// Takes a letter, to be sent if and only if the transaction is committed. Who got
    /// twenty of the kind within the last hour gets no more: whatever is done in an
    /// account again and again, its address may be somebody else's.
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

    /// Prepares to send what was taken.
    pub(crate) fn worker(&self, pool: &Pool, settings: &Settings) -> Result<Worker, smtp::Error> {
        let most = u32::try_from(worker::AT_ONCE).unwrap_or(1);
        let carrier = Carrier::new(settings, most)?;
        warn(settings);
        Ok(Worker {
            id: Uuid::now_v7(),
            pool: pool.clone(),
            sealer: Arc::clone(&self.sealer),
            carrier,
            product: settings.product.clone(),
            metrics: Metrics::new(),
        })
    }
}

/// Tells what an operator may not have meant.
fn warn(settings: &Settings) {
    match &settings.route {
        Route::Mailbox if !settings.is_chosen => {
            tracing::warn!(
                "no letter leaves: MAINSTAY_MAIL_URL is not set, `mainstay mail` shows them"
            );
        }
        Route::Smtp(relay) if relay.is_open() => {
            tracing::warn!("letters leave in the clear: MAINSTAY_MAIL_URL says tls=none");
        }
        Route::Mailbox | Route::Folder(_) | Route::Smtp(_) => {}
    }
}
