//! How a process shows who it is, and whom it lets in.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;
use opentelemetry::metrics::Counter;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::Ticketer,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::sync::{Notify, watch};

use super::{
    acme, crypto,
    file::{File, Pem, Problem},
    identity::Identity,
    refuse,
    reload::{Files, Made},
};
use crate::{config::Reader, fatal::Fatal, telemetry::TLS_HANDSHAKES};

/// What clients may speak, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// How a process serves TLS.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `MAINSTAY_TLS_CERTIFICATE` and `MAINSTAY_TLS_KEY`, or what ACME keeps; and
    /// `MAINSTAY_TLS_CLIENT_CA`: whose certificates clients must show.
    files: Files<ServerConfig>,
    is_mutual: bool,
    /// `MAINSTAY_ACME_*`: where certificates come from.
    acme: Option<acme::Settings>,
    /// `MAINSTAY_HTTP_REDIRECT_LISTEN`: where those who speak http are sent on.
    pub(crate) redirect_listen: Option<String>,
}

/// A running source of certificates.
#[derive(Debug)]
pub(crate) struct Server {
    current: watch::Receiver<Arc<ServerConfig>>,
    is_mutual: bool,
    issuer: Option<acme::Issuer>,
}

/// Begins TLS on connections, with the certificate of the moment.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor {
    current: watch::Receiver<Arc<ServerConfig>>,
    /// Whether clients show certificates, too.
    pub(super) is_mutual: bool,
    pub(super) handshakes: Counter<u64>,
}

// === impl Settings ===

impl Settings {
    /// Reads the settings that every process has; none if it does not serve TLS.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let certificate = File::optional(reader, "MAINSTAY_TLS_CERTIFICATE");
        let key = File::optional_secret(reader, "MAINSTAY_TLS_KEY");
        let client_ca = File::optional(reader, "MAINSTAY_TLS_CLIENT_CA");
        let redirect_listen: Option<String> = reader.optional("MAINSTAY_HTTP_REDIRECT_LISTEN");
        let acme = acme::Settings::read(reader);
        let pair = match (certificate, key, &acme) {
            (Some(certificate), Some(key), None) => Some([certificate, key]),
            (None, None, Some(acme)) => Some(acme.pair()),
            (None, None, None) => None,
            (Some(_), Some(_), Some(_)) => refuse(
                reader,
                "MAINSTAY_TLS_CERTIFICATE and MAINSTAY_ACME_DOMAINS are both set: a certificate \
                 comes from files or from ACME",
            ),
            (Some(_), None, _) => refuse(reader, "MAINSTAY_TLS_KEY is not set"),
            (None, Some(_), _) => refuse(reader, "MAINSTAY_TLS_CERTIFICATE is not set"),
        };
        let Some(pair) = pair else {
            for (setting, is_set) in [
                ("MAINSTAY_TLS_CLIENT_CA", client_ca.is_some()),
                ("MAINSTAY_HTTP_REDIRECT_LISTEN", redirect_listen.is_some()),
            ] {
                if is_set {
                    reader.problem(format!("{setting} is set, and there is no certificate"));
                }
            }
            return None;
        };
        if acme.is_some() && redirect_listen.is_none() {
            reader.problem(
                "MAINSTAY_HTTP_REDIRECT_LISTEN is not set: ACME proves a domain through port 80"
                    .to_owned(),
            );
        }
        let is_mutual = client_ca.is_some();
        let files = Files::read("server", pair.into_iter().chain(client_ca).collect(), made);
        match files {
            Ok(files) => Some(Self { files, is_mutual, acme, redirect_listen }),
            Err(problem) => refuse(reader, problem.to_string()),
        }
    }

    /// What a person should know about the certificate and its key.
    pub fn warnings(&self) -> Vec<&'static str> {
        self.files.warnings()
    }

    /// Until when the certificate is good; none before the first was issued.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.files.valid_until()
    }

    /// Begins to follow the files.
    pub(crate) fn start(&self) -> Result<Server, Fatal> {
        let nudge = Arc::new(Notify::new());
        let issuer = self.acme.as_ref().map(|acme| acme.start(Arc::clone(&nudge))).transpose()?;
        let current = self.files.follow(nudge);
        Ok(Server { current, is_mutual: self.is_mutual, issuer })
    }
}

// === impl Server ===

impl Server {
    /// Begins TLS on connections.
    pub(crate) fn acceptor(&self) -> Acceptor {
        let meter = opentelemetry::global::meter("mainstay");
        let handshakes = meter.u64_counter(TLS_HANDSHAKES).build();
        Acceptor { current: self.current.clone(), is_mutual: self.is_mutual, handshakes }
    }

    /// Where the proofs for a certificate authority are.
    pub(crate) fn challenges(&self) -> Option<PathBuf> {
        self.issuer.as_ref().map(acme::Issuer::challenges)
    }

    /// Gets certificates and renews them, for ever; nothing to do without ACME.
    pub(crate) async fn keep_certified(self) {
        if let Some(issuer) = self.issuer {
            issuer.run().await;
        }
    }
}

// === impl Acceptor ===

impl Acceptor {
    /// The configuration for a new connection.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.borrow())
    }
}

/// Nobody to be, until the first certificate is there: handshakes are refused.
#[derive(Debug)]
struct Nobody;

// === impl Nobody ===

impl ResolvesServerCert for Nobody {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        tracing::warn!("a TLS connection was refused: there is no certificate yet");
        None
    }
}

/// A chain, its key, and perhaps the authorities of clients.
fn made(pems: &[Pem]) -> Result<Made<ServerConfig>, Problem> {
    let identity = match pems {
        [chain, key, ..] if chain.bytes.is_some() => Some(Identity::read(chain, key, &crypto())?),
        _ => None,
    };
    let config = config(identity.as_ref(), pems.get(2))?;
    Ok(Made { value: Arc::new(config), validity: identity.map(|identity| identity.validity) })
}

fn config(identity: Option<&Identity>, client_ca: Option<&Pem>) -> Result<ServerConfig, Problem> {
    let builder = ServerConfig::builder_with_provider(crypto())
        .with_safe_default_protocol_versions()
        .map_err(|error| Problem::new("TLS", error.to_string()))?;
    let certificates: Arc<dyn ResolvesServerCert> = match identity {
        Some(identity) => Arc::new(SingleCertAndKey::from(Arc::clone(&identity.certified))),
        None => Arc::new(Nobody),
    };
    let mut config = match client_ca {
        None => builder.with_no_client_auth().with_cert_resolver(certificates),
        Some(pem) => {
            let roots = Arc::new(pem.roots()?);
            let clients = WebPkiClientVerifier::builder_with_provider(roots, crypto()).build();
            let clients = clients.map_err(|error| pem.problem(error.to_string()))?;
            builder.with_client_cert_verifier(clients).with_cert_resolver(certificates)
        }
    };
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    if client_ca.is_some() {
        // A session that is taken up again would not show its certificate again.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    } else if let Ok(ticketer) = Ticketer::new() {
        config.ticketer = ticketer;
    }
    Ok(config)
}
