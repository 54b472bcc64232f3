//! The whole product: auth, content and gateway on two databases.

use std::{collections::BTreeMap, thread::panicking};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use crate::{
    database::{Database, Databases},
    service::Service,
};

/// Who issues the tokens of every stack.
pub const ISSUER: &str = "https://mainstay.test";

/// A running product. Dropping it ends its processes.
#[derive(Debug)]
pub struct Stack {
    /// REST and cookies.
    pub gateway: Service,
    /// Posts.
    pub content: Service,
    /// Users, sessions and keys.
    pub auth: Service,
    /// What they store.
    pub databases: Databases,
    /// Encrypts signing keys and page tokens.
    pub secret_key: String,
    _logs: TempDir,
    _room: SemaphorePermit<'static>,
}

/// A product about to be started with other settings than usual.
#[derive(Debug, Default)]
pub struct Builder {
    settings: Vec<(&'static str, String, String)>,
}

const HIGH: &str = "read=1000000/1s,write=1000000/1s,sign-in=1000000/1s,upload=1000000/1s";

/// More at once would exhaust the connections of the database.
static ROOM: Semaphore = Semaphore::const_new(6);

// === impl Stack ===

impl Stack {
    /// Starts everything.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Starts everything, with an auth that knows where content is. Each is told where
    /// the other one is when that has started: so auth is started twice.
    pub async fn whole() -> Self {
        let mut stack = Self::start().await;
        let url = stack.content.url();
        stack.auth.kill();
        stack.auth.set("MAINSTAY_CONTENT_URL", &url);
        stack.auth.start_again().await;
        stack
    }

    /// Starts everything with other settings than usual.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The services, in the order of a request's way through them.
    pub fn services(&self) -> [&Service; 3] {
        [&self.gateway, &self.content, &self.auth]
    }

    /// Everything that was logged so far.
    pub fn logs(&self) -> String {
        self.services().map(Service::log).concat()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if panicking() {
            self.services().into_iter().for_each(Service::show_log);
        }
    }
}

// === impl Builder ===

impl Builder {
    /// Changes a setting of one service.
    #[must_use]
    pub fn set(mut self, service: &'static str, key: &str, value: &str) -> Self {
        self.settings.push((service, key.to_owned(), value.to_owned()));
        self
    }

    /// Starts everything.
    pub async fn start(self) -> Stack {
        let room = ROOM.acquire().await.unwrap();
        let databases = Databases::create().await;
        let logs = tempfile::tempdir().unwrap();
        let random = [Uuid::now_v7().into_bytes(), Uuid::now_v7().into_bytes()].concat();
        let secret_key = URL_SAFE_NO_PAD.encode(random);
        let stores = |database: &Database| {
            vec![
                ("DATABASE_URL", database.url.clone()),
                ("MAINSTAY_SECRET_KEY", secret_key.clone()),
                ("MAINSTAY_ISSUER", ISSUER.to_owned()),
            ]
        };
        let settings = self.environment("auth", stores(&databases.auth));
        let auth = Service::start("auth", settings, logs.path()).await;
        let mut settings = stores(&databases.content);
        settings.push(("MAINSTAY_AUTH_URL", auth.url()));
        settings.push(("MAINSTAY_SERVICE_KEY", databases.auth.service_key("content").await));
        let settings = self.environment("content", settings);
        let content = Service::start("content", settings, logs.path()).await;
        let upstreams = vec![
            ("MAINSTAY_AUTH_URL", auth.url()),
            ("MAINSTAY_CONTENT_URL", content.url()),
            ("MAINSTAY_ISSUER", ISSUER.to_owned()),
            ("MAINSTAY_SERVICE_KEY", databases.auth.service_key("gateway").await),
            // Strangers of tests are to see at once what others did.
            ("MAINSTAY_CACHE_BYTES", "0".to_owned()),
        ];
        let settings = self.environment("gateway", upstreams);
        let gateway = Service::start("gateway", settings, logs.path()).await;
        Stack { gateway, content, auth, databases, secret_key, _logs: logs, _room: room }
    }

    fn environment(
        &self,
        service: &str,
        own: Vec<(&'static str, String)>,
    ) -> BTreeMap<String, String> {
        let usual = [
            ("MAINSTAY_LISTEN", "localhost:0"),
            ("MAINSTAY_ADMIN_LISTEN", "localhost:0"),
            ("MAINSTAY_LOG_FORMAT", "json"),
            ("MAINSTAY_STOP_ON_STDIN_CLOSE", "true"),
            ("MAINSTAY_DATABASE_CONNECTIONS", "6"),
            // All tests come from one address.
            ("MAINSTAY_RATE_LIMITS", HIGH),
            ("MAINSTAY_STUFFING_LIMIT", "1000000"),
        ];
        let usual = usual.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let own = own.into_iter().map(|(key, value)| (key.to_owned(), value));
        let changed = self.settings.iter().filter(|(name, ..)| *name == service);
        let changed = changed.map(|(_, key, value)| (key.clone(), value.clone()));
        usual.into_iter().chain(own).chain(changed).collect()
    }
}
