//! A certificate with its key, checked before anybody sees it.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::{
    client::verify_server_name,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName},
    server::ParsedCertificate,
    sign::CertifiedKey,
};
use x509_cert::{Certificate, der::Decode as _, time::Time};

use super::file::{Pem, Problem};

/// Who we say we are, and the proof.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) validity: Validity,
}

/// When a certificate may be used, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: i64,
    pub(super) until: i64,
}

// === impl Identity ===

impl Identity {
    /// Reads a chain, our own certificate first, and the key of that.
    pub(super) fn read(chain: &Pem, key: &Pem, crypto: &CryptoProvider) -> Result<Self, Problem> {
        let certificates = chain.certificates()?;
        let unusable = |error: rustls::Error| match error {
            rustls::Error::InconsistentKeys(_) => key.problem(format!(
                "the key of {} is not that of the first certificate in {}",
                key.shown(),
                chain.shown()
            )),
            error => key.problem(format!("the key of {} is of no use: {error}", key.shown())),
        };
        let damaged = || chain.problem(format!("{} holds a damaged certificate", chain.shown()));
        let validity = certificates.first().and_then(Validity::of).ok_or_else(damaged)?;
        let certified = CertifiedKey::from_der(certificates, key.key()?, crypto);
        Ok(Self { certified: Arc::new(certified.map_err(unusable)?), validity })
    }

    /// The first of some names that the certificate is not for.
    pub(super) fn lacks<'a>(&self, names: &'a [String]) -> Option<&'a str> {
        let own = self.certified.end_entity_cert().ok();
        let parsed = own.and_then(|certificate| ParsedCertificate::try_from(certificate).ok());
        let covers = |name: &str| {
            let name = ServerName::try_from(name).ok();
            name.zip(parsed.as_ref())
                .is_some_and(|(name, own)| verify_server_name(own, &name).is_ok())
        };
        names.iter().map(String::as_str).find(|name| !covers(name))
    }
}

// === impl Validity ===

impl Validity {
    fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = Certificate::from_der(certificate).ok()?;
        let validity = certificate.tbs_certificate.validity;
        let seconds = |time: Time| i64::try_from(time.to_unix_duration().as_secs()).ok();
        Some(Self { from: seconds(validity.not_before)?, until: seconds(validity.not_after)? })
    }

    /// What a person should know about the time of a certificate, if anything.
    pub(super) fn warning(self, now: Timestamp) -> Option<&'static str> {
        match now.as_second() {
            now if now >= self.until => Some("the certificate has expired"),
            now if now < self.from => Some("the certificate is not valid yet"),
            _ => None,
        }
    }

    pub(super) fn end(self) -> Option<Timestamp> {
        Timestamp::from_second(self.until).ok()
    }

    pub(super) fn seconds(self) -> i64 {
        self.until.saturating_sub(self.from).max(0)
    }
}
