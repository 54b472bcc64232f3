//! What an operator says about certificates from an authority.

use std::{path::PathBuf, sync::Arc};

use http::Uri;
use rustls::pki_types::ServerName;
use tokio::sync::Notify;

use super::{Issuer, renew, store::Store};
use crate::{
    config::{List, Reader},
    fatal::Fatal,
    tls::file::File,
};

const DOMAINS: &str = "MAINSTAY_ACME_DOMAINS";
const FOLDER: &str = "MAINSTAY_ACME_FOLDER";
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// As many as Let's Encrypt puts into one certificate.
const MOST_DOMAINS: usize = 100;

/// Whose certificate is wanted, and from whom.
#[derive(Clone, Debug)]
pub(in crate::tls) struct Settings {
    /// `MAINSTAY_ACME_DOMAINS`: what the certificate is for, separated by commas.
    pub(super) domains: Vec<String>,
    /// `MAINSTAY_ACME_DIRECTORY`: the authority; Let's Encrypt by default.
    pub(super) directory: String,
    /// `MAINSTAY_ACME_CONTACT`: whom the authority may write to.
    pub(super) contact: Option<String>,
    /// `MAINSTAY_ACME_FOLDER`: where account, key and certificate are kept.
    pub(super) folder: PathBuf,
    /// `MAINSTAY_ACME_ROOT`: who vouches for a private authority's own address.
    pub(super) root: Option<File>,
}

// === impl Settings ===

impl Settings {
    /// Reads the settings; none if no domain is set.
    pub(in crate::tls) fn read(reader: &mut Reader) -> Option<Self> {
        let domains: List = reader.optional(DOMAINS)?;
        let domains: Vec<_> = domains.0.iter().map(|domain| domain.to_ascii_lowercase()).collect();
        for domain in domains.iter().filter(|domain| !is_domain(domain)) {
            reader.problem(format!(
                "{DOMAINS}: {domain} must be a name such as example.org, without wildcards"
            ));
        }
        if domains.is_empty() || domains.len() > MOST_DOMAINS {
            reader.problem(format!("{DOMAINS}: must be 1 to {MOST_DOMAINS} names"));
        }
        let directory = reader.or("MAINSTAY_ACME_DIRECTORY", LETS_ENCRYPT.to_owned());
        let uri: Option<Uri> = directory.parse().ok();
        if uri.is_none_or(|uri| uri.scheme_str() != Some("https")) {
            reader.problem("MAINSTAY_ACME_DIRECTORY: must be an address with https".to_owned());
        }
        let contact = reader.optional("MAINSTAY_ACME_CONTACT").map(|contact: String| {
            if contact.contains(':') { contact } else { format!("mailto:{contact}") }
        });
        let root = File::optional(reader, "MAINSTAY_ACME_ROOT");
        if let Some(problem) =
            root.as_ref().and_then(|root| root.read().and_then(|it| it.roots()).err())
        {
            reader.problem(problem.to_string());
        }
        Some(Self { domains, directory, contact, folder: reader.required(FOLDER), root })
    }

    /// The files that hold the certificate and its key: both are one, so that they
    /// are replaced at once.
    pub(in crate::tls) fn pair(&self) -> [File; 2] {
        let path = Store::certificate_in(&self.folder, &self.directory);
        [File::of_ours(FOLDER, path.clone()), File::of_ours(FOLDER, path)]
    }

    /// Prepares the folder.
    pub(in crate::tls) fn start(&self, nudge: Arc<Notify>) -> Result<Issuer, Fatal> {
        let store = Store::open(&self.folder, &self.directory)
            .map_err(|error| Fatal::unavailable("the folder of MAINSTAY_ACME_FOLDER", error))?;
        Ok(Issuer { settings: self.clone(), store, nudge, jitter: renew::any_jitter() })
    }
}

/// Whether an authority could prove a name over HTTP.
fn is_domain(name: &str) -> bool {
    !name.contains('*') && matches!(ServerName::try_from(name), Ok(ServerName::DnsName(_)))
}
