//! What an operator sets.

use std::time::Duration;

use platform::{
    config,
    config::Reader,
    identity::ApiKey,
    server,
    trust::Follower,
    upstream::{self, Address},
};

use crate::{credentials::Cookies, csrf::Origins};

/// Some thousand pages.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// The settings of a gateway.
#[derive(Debug)]
pub(crate) struct Settings {
    /// How the process serves.
    pub(crate) server: server::Settings,
    /// `MAINSTAY_AUTH_URL`: where the auth service is.
    pub(crate) auth: Address,
    /// `MAINSTAY_CONTENT_URL`: where the content service is.
    pub(crate) content: Address,
    /// `MAINSTAY_ISSUER`: whose access tokens tell users apart when requests are
    /// counted; without it they are counted by address.
    pub(crate) issuer: Option<String>,
    /// `MAINSTAY_SERVICE_KEY`: who the gateway is to auth when it asks for itself;
    /// nobody in particular if it is not set.
    pub(crate) service_key: Option<ApiKey>,
    /// `MAINSTAY_TRUSTED_ORIGINS`: frontends on other origins that may use cookies.
    pub(crate) trusted_origins: Origins,
    /// `MAINSTAY_COOKIE_SECURE`: false for browsers that drop `Secure` cookies on
    /// plain http, even on localhost.
    pub(crate) cookies: Cookies,
    /// `MAINSTAY_CACHE_BYTES`: how many bytes of public answers are kept; 0: none.
    pub(crate) cache_bytes: u64,
    /// `MAINSTAY_TRUST_STALE_SECONDS`: for how long auth may be silent before tokens
    /// tell nobody apart any more, 10 by default.
    pub(crate) stale_after: Duration,
}

// === impl Settings ===

impl Settings {
    /// Reads every setting and reports all that are wrong.
    pub(crate) fn read(mut reader: Reader) -> Result<Self, config::Error> {
        let server = server::Settings::read(&mut reader, "localhost:8080", "localhost:9090");
        let is_secure = reader.or("MAINSTAY_COOKIE_SECURE", true);
        if server.tls.is_some() && !is_secure {
            reader.problem("MAINSTAY_COOKIE_SECURE: must not be false where TLS is".to_owned());
        }
        let [auth, content] =
            upstream::read(&mut reader, ["MAINSTAY_AUTH_URL", "MAINSTAY_CONTENT_URL"]);
        let settings = Self {
            server,
            auth,
            content,
            issuer: reader.optional("MAINSTAY_ISSUER"),
            service_key: reader.optional("MAINSTAY_SERVICE_KEY"),
            trusted_origins: reader.or("MAINSTAY_TRUSTED_ORIGINS", Origins::default()),
            cookies: Cookies::new(is_secure),
            cache_bytes: reader.or("MAINSTAY_CACHE_BYTES", CACHE_BYTES),
            stale_after: Follower::stale_after(&mut reader),
        };
        reader.finish(settings)
    }
}
