//! A certificate authority that speaks ACME: Debian's `pebble`.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::json;

use crate::{
    tls::{Authority, TlsClient},
    wait::eventually,
};

/// A running authority.
#[derive(Debug)]
pub struct Pebble {
    child: Child,
    directory: SocketAddr,
    management: SocketAddr,
    own: Authority,
}

/// Where an authority will be, which takes its ports only when it starts.
#[derive(Debug)]
pub struct Reserved {
    directory: SocketAddr,
    management: SocketAddr,
}

const LIMIT: Duration = Duration::from_secs(20);

// === impl Reserved ===

impl Reserved {
    /// Finds two ports that are free.
    pub fn new() -> Self {
        let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [directory, management] = held.map(|held| held.local_addr().unwrap());
        Self { directory, management }
    }

    /// What a client is told.
    pub fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.directory.port())
    }

    /// Starts the authority, whose own address is vouched for by another one. It
    /// looks for proofs on a port, and its certificates are good for some seconds.
    pub async fn start(self, own: Authority, proofs: u16, seconds: u32, folder: &Path) -> Pebble {
        let Self { directory, management } = self;
        let paths = own.issue().write(folder, "pebble");
        let settings = json!({"pebble": {
            "listenAddress": directory.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": paths.certificate,
            "privateKey": paths.key,
            "httpPort": proofs,
            "tlsPort": 1,
            "ocspResponderURL": "",
            "certificateValidityPeriod": seconds,
        }});
        let config = folder.join("pebble.json");
        std::fs::write(&config, settings.to_string()).unwrap();
        let log = File::create(folder.join("pebble.log")).unwrap();
        let child = Command::new("pebble")
            .arg("-strict")
            .arg("-config")
            .arg(config)
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("pebble is installed: apt install pebble");
        let pebble = Pebble { child, directory, management, own };
        eventually("pebble answers", LIMIT, async || pebble.root().await).await;
        pebble
    }
}

impl Default for Reserved {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Pebble ===

impl Pebble {
    /// A client that trusts what this authority gives out.
    pub async fn client(&self) -> TlsClient {
        TlsClient::trusting(&self.root().await.unwrap(), None)
    }

    /// The authority's root, which is another one after each start.
    async fn root(&self) -> Option<String> {
        let request = Request::get("/roots/0").header("host", "localhost");
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let answer = self.own.client().send(self.management, request).await.ok()?;
        String::from_utf8(answer.into_body().to_vec()).ok()
    }

    /// Ends the authority, and says where it was.
    pub fn stop(mut self) -> Reserved {
        self.end();
        Reserved { directory: self.directory, management: self.management }
    }

    fn end(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.end();
    }
}
