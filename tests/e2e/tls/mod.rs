//! TLS: who we show ourselves to be, who may come in, and how both change.

mod acme;
mod mistakes;
mod mutual;
mod reload;
mod serving;

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tempfile::TempDir;
use tests::{
    Service,
    tls::{Authority, Pair, Paths},
};

/// A change of files is seen every two seconds, a broken one reported after two.
const SOON: Duration = Duration::from_secs(15);

/// A gateway with TLS and no services behind it.
struct Gateway {
    service: Service,
    authority: Authority,
    first: Pair,
    paths: Paths,
    folder: TempDir,
}

// === impl Gateway ===

impl Gateway {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(settings: &[(&str, &str)]) -> Self {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
        let first = authority.issue();
        let paths = first.write(folder.path(), "gateway");
        let mut environment = environment(settings);
        for (key, path) in
            [("MAINSTAY_TLS_CERTIFICATE", &paths.certificate), ("MAINSTAY_TLS_KEY", &paths.key)]
        {
            environment.insert(key.to_owned(), path.to_str().unwrap().to_owned());
        }
        let service = Service::start("gateway", environment, folder.path()).await;
        Self { service, authority, first, paths, folder }
    }

    /// Replaces the certificate and the key.
    fn replace(&self, pair: &Pair) {
        pair.write(self.folder.path(), "gateway");
    }
}

/// What a gateway is told that nobody needs to answer.
fn environment(settings: &[(&str, &str)]) -> BTreeMap<String, String> {
    let usual = [
        ("MAINSTAY_LISTEN", "localhost:0"),
        ("MAINSTAY_ADMIN_LISTEN", "localhost:0"),
        ("MAINSTAY_LOG_FORMAT", "json"),
        ("MAINSTAY_STOP_ON_STDIN_CLOSE", "true"),
        ("MAINSTAY_AUTH_URL", "http://localhost:1"),
        ("MAINSTAY_CONTENT_URL", "http://localhost:1"),
    ];
    let all = usual.iter().chain(settings);
    all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A request for the first page over HTTP/1.1.
fn get() -> Request<Full<Bytes>> {
    Request::get("/").header("host", "localhost").body(Full::default()).unwrap()
}

/// The same over HTTP/2.
fn get_http2() -> Request<Full<Bytes>> {
    Request::get("https://localhost/").body(Full::default()).unwrap()
}
