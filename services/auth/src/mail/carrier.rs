//! One try to hand a letter over, and what came of it.

use std::{io, path::Path, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        self, PoolConfig,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};
use platform::server::blocking;
use tokio::time::timeout;

use super::{
    message::Outgoing,
    settings::{Relay, Route, Security, Settings},
};

/// Hands letters over.
pub(super) struct Carrier {
    from: Mailbox,
    way: Way,
}

enum Way {
    /// Where they are is where they are read.
    Mailbox,
    Folder(std::path::PathBuf),
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Sent,
    /// It may go better another time.
    Again(String),
    /// It never will.
    Never(String),
}

/// One answer of a server, and one whole letter.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
pub(super) const SENT_WITHIN: Duration = Duration::from_secs(30);
const IDLE_AT_MOST: Duration = Duration::from_secs(20);

// === impl Carrier ===

impl Carrier {
    /// Gets ready; connections are made when first needed.
    pub(super) fn new(settings: &Settings, connections: u32) -> Result<Self, smtp::Error> {
        let Settings { route, from, authorities, .. } = settings;
        let way = match route {
            Route::Mailbox => Way::Mailbox,
            Route::Folder(folder) => Way::Folder(folder.clone()),
            Route::Smtp(relay) => {
                let name = from.email.domain().to_owned();
                let transport = transport(relay, authorities.as_deref())?
                    .hello_name(ClientId::Domain(name))
                    .pool_config(PoolConfig::new().max_size(connections).idle_timeout(IDLE_AT_MOST))
                    .timeout(Some(ANSWER_WITHIN));
                Way::Smtp(Box::new(transport.build()))
            }
        };
        Ok(Self { from: from.clone(), way })
    }

    /// Whether letters are read where they are.
    pub(super) fn keeps_letters(&self) -> bool {
        matches!(self.way, Way::Mailbox)
    }

    /// Tries to hand a letter over, for a limited time.
    pub(super) async fn carry(&self, outgoing: &Outgoing) -> Outcome {
        let Ok(message) = outgoing.message(&self.from) else {
            return Outcome::Never("address".to_owned());
        };
        match &self.way {
            Way::Mailbox => Outcome::Sent,
            Way::Folder(folder) => {
                let (folder, name) = (folder.clone(), outgoing.id.to_string());
                let bytes = message.formatted();
                match blocking(move || put(&folder, &name, &bytes)).await {
                    Ok(Ok(())) => Outcome::Sent,
                    Ok(Err(_)) | Err(_) => Outcome::Again("folder".to_owned()),
                }
            }
            Way::Smtp(transport) => send(transport, message).await,
        }
    }
}

async fn send(transport: &AsyncSmtpTransport<Tokio1Executor>, message: Message) -> Outcome {
    match timeout(SENT_WITHIN, transport.send(message)).await {
        Ok(Ok(_)) => Outcome::Sent,
        Ok(Err(error)) => judge(&error),
        Err(_elapsed) => Outcome::Again("timeout".to_owned()),
    }
}

/// Whether an error is the letter's or will pass. That a server does not take our
/// password is no reason to lose a letter.
fn judge(error: &smtp::Error) -> Outcome {
    const OURS: [&str; 4] = ["530", "534", "535", "538"];
    let why = match error.status().map(|code| code.to_string()) {
        Some(code) if error.is_permanent() && !OURS.contains(&code.as_str()) => {
            return Outcome::Never(format!("smtp {code}"));
        }
        Some(code) => format!("smtp {code}"),
        None if error.is_timeout() => "timeout".to_owned(),
        None if error.is_tls() => "tls".to_owned(),
        None if error.is_client() => "client".to_owned(),
        None => "connection".to_owned(),
    };
    Outcome::Again(why)
}

fn transport(
    relay: &Relay,
    authorities: Option<&[u8]>,
) -> Result<smtp::AsyncSmtpTransportBuilder, smtp::Error> {
    let tls = match relay.security {
        Security::Tls => Tls::Wrapper(verified(&relay.host, authorities)?),
        Security::StartTls => Tls::Required(verified(&relay.host, authorities)?),
        Security::None => Tls::None,
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&relay.host)
        .port(relay.port)
        .tls(tls);
    Ok(match &relay.credentials {
        Some(credentials) => builder.credentials(credentials.clone()),
        None => builder,
    })
}

/// TLS with a server whose name is checked, by the given authorities or else the
/// system's.
fn verified(host: &str, authorities: Option<&[u8]>) -> Result<TlsParameters, smtp::Error> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = authorities {
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(Certificate::from_pem(pem)?);
    }
    builder.build_rustls()
}

/// Writes a file that is whole or not there.
fn put(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let partial = folder.join(format!(".{name}.partial"));
    std::fs::write(&partial, bytes)?;
    std::fs::rename(partial, folder.join(format!("{name}.eml")))
}

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Carrier").field("from", &self.from).finish_non_exhaustive()
    }
}
