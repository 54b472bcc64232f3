//! Connections to services over TLS: who they must be, and who we are to them.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName, sign::SingleCertAndKey};
use tokio::{
    net::TcpStream,
    sync::{Notify, watch},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower::Service;

use super::{
    crypto,
    file::{File, Pem, Problem},
    identity::Identity,
    refuse,
    reload::{Files, Made},
};
use crate::config::Reader;

const HTTP2: &[u8] = b"h2";

/// What this process needs to speak TLS to others.
#[derive(Clone, Debug)]
pub(crate) struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    files: Files<ClientConfig>,
    current: OnceLock<watch::Receiver<Arc<ClientConfig>>>,
}

/// Connects to a service and begins TLS.
#[derive(Clone, Debug)]
pub(crate) struct Connect {
    tcp: HttpConnector,
    client: Client,
    name: ServerName<'static>,
    target: Uri,
}

/// A service speaks something else than HTTP/2.
#[derive(Debug, thiserror::Error)]
#[error("the service does not speak HTTP/2")]
struct NotHttp2;

// === impl Client ===

impl Client {
    /// Whether a setting is there that only makes sense with TLS.
    pub(crate) fn is_set(reader: &mut Reader) -> Option<&'static str> {
        let settings =
            ["MAINSTAY_UPSTREAM_CA", "MAINSTAY_UPSTREAM_CERTIFICATE", "MAINSTAY_UPSTREAM_KEY"];
        settings.into_iter().find(|setting| File::optional(reader, setting).is_some())
    }

    /// Reads `MAINSTAY_UPSTREAM_CA` (the system's authorities if unset) and the pair
    /// `MAINSTAY_UPSTREAM_CERTIFICATE` and `MAINSTAY_UPSTREAM_KEY`.
    pub(crate) fn read(reader: &mut Reader) -> Option<Self> {
        let ca = File::optional(reader, "MAINSTAY_UPSTREAM_CA");
        let certificate = File::optional(reader, "MAINSTAY_UPSTREAM_CERTIFICATE");
        let key = File::optional_secret(reader, "MAINSTAY_UPSTREAM_KEY");
        let pair = match (certificate, key) {
            (Some(certificate), Some(key)) => vec![certificate, key],
            (None, None) => Vec::new(),
            (Some(_), None) => return refuse(reader, "MAINSTAY_UPSTREAM_KEY is not set"),
            (None, Some(_)) => return refuse(reader, "MAINSTAY_UPSTREAM_CERTIFICATE is not set"),
        };
        let (has_ca, has_pair) = (ca.is_some(), !pair.is_empty());
        let files = ca.into_iter().chain(pair).collect();
        let files = Files::read("client", files, move |pems| {
            let (ca, pair) = pems.split_at(usize::from(has_ca).min(pems.len()));
            made(ca.first(), pair.first().zip(pair.get(1)).filter(|_| has_pair))
        });
        match files {
            Ok(files) => Some(Self(Arc::new(Inner { files, current: OnceLock::new() }))),
            Err(problem) => refuse(reader, problem.to_string()),
        }
    }

    /// The configuration for a new connection.
    fn config(&self) -> Arc<ClientConfig> {
        let Inner { files, current } = &*self.0;
        Arc::clone(&current.get_or_init(|| files.follow(Arc::new(Notify::new()))).borrow())
    }
}

fn made(ca: Option<&Pem>, pair: Option<(&Pem, &Pem)>) -> Result<Made<ClientConfig>, Problem> {
    let roots = ca.map_or_else(|| Ok(authorities_of_the_system()), Pem::roots)?;
    let identity = pair.map(|(chain, key)| Identity::read(chain, key, &crypto())).transpose()?;
    let builder = ClientConfig::builder_with_provider(crypto())
        .with_safe_default_protocol_versions()
        .map_err(|error| Problem::new("TLS", error.to_string()))?
        .with_root_certificates(roots);
    let validity = identity.as_ref().map(|identity| identity.validity);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified)))
        }
    };
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok(Made { value: Arc::new(config), validity })
}

fn authorities_of_the_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    tracing::debug!(added, ignored, "trusting the certificate authorities of the system");
    roots
}

// === impl Connect ===

impl Connect {
    /// A way to the service at an address; none if no certificate can be for it.
    pub(crate) fn new(client: &Client, address: &Uri) -> Option<Self> {
        let host = address.host()?;
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).ok()?;
        let target = format!("http://{host}:{}", address.port_u16().unwrap_or(443));
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        Some(Self { tcp, client: client.clone(), name, target: target.parse().ok()? })
    }

    /// The same to one of the addresses that the host's name stands for.
    pub(crate) fn at(&self, socket: SocketAddr) -> Self {
        let mut this = self.clone();
        if let Ok(target) = format!("http://{socket}").parse() {
            this.target = target;
        }
        this
    }

    /// Where the connection goes, below TLS.
    pub(crate) fn target(&self) -> &Uri {
        &self.target
    }

    /// Begins to follow the files; call it inside the runtime.
    pub(crate) fn follow(&self) {
        drop(self.client.config());
    }
}

impl Service<Uri> for Connect {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Self::Response, io::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp.poll_ready(cx).map_err(io::Error::other)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (tcp, name) = (self.tcp.call(uri), self.name.clone());
        let config = self.client.config();
        Box::pin(async move {
            let tcp = tcp.await.map_err(io::Error::other)?.into_inner();
            let stream = TlsConnector::from(config).connect(name, tcp).await?;
            match stream.get_ref().1.alpn_protocol() {
                Some(HTTP2) => Ok(TokioIo::new(stream)),
                _ => Err(io::Error::other(NotHttp2)),
            }
        })
    }
}
