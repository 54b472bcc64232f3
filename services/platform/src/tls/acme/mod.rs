//! Certificates from an authority that proves domains by itself (ACME, RFC 8555).
//!
//! HTTP-01: the authority asks for a token on port 80, where we answer anyway to
//! send browsers on to https. Every process that shares the folder can answer for
//! every other, which TLS-ALPN-01 could not do behind a balancer, and whatever
//! passes plain requests on may stand in front.

mod order;
mod renew;
mod settings;
mod store;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::Notify;

pub(super) use self::settings::Settings;
use self::store::Store;

/// Gets certificates and renews them.
#[derive(Debug)]
pub(super) struct Issuer {
    settings: Settings,
    store: Store,
    /// Told when there is a new certificate.
    nudge: Arc<Notify>,
    /// So that not all processes renew in the same minute.
    jitter: f64,
}

/// The proof that belongs to a token, if we have just made it.
pub(super) async fn proof(folder: &Path, token: &str) -> Option<Vec<u8>> {
    let path = store::challenge(folder, token)?;
    tokio::fs::read(path).await.ok()
}

// === impl Issuer ===

impl Issuer {
    /// The folder of the proofs.
    pub(super) fn challenges(&self) -> PathBuf {
        self.store.challenges()
    }
}
