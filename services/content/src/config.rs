//! Settings of the content service.

use std::{num::NonZeroUsize, time::Duration};

use database::Url;
use platform::{config, identity::ApiKey, seal::MasterKey, server, trust::Follower, upstream};

const SIXTEEN: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// Everything this process can be told.
#[derive(Debug)]
pub(crate) struct Config {
    /// How it serves; `MAINSTAY_LISTEN` is `localhost:50052` by default.
    pub(crate) server: server::Settings,
    /// `DATABASE_URL`.
    pub(crate) database_url: Url,
    /// `MAINSTAY_DATABASE_CONNECTIONS`: at most this many, 16 by default.
    pub(crate) database_connections: NonZeroUsize,
    /// `MAINSTAY_SECRET_KEY`, and `MAINSTAY_PREVIOUS_SECRET_KEYS`: encrypts page tokens and stored replies.
    pub(crate) secret_key: MasterKey,
    /// `MAINSTAY_ISSUER`: whose access tokens are accepted.
    pub(crate) issuer: String,
    /// `MAINSTAY_AUTH_URL`: where keys and profiles come from.
    pub(crate) auth_url: upstream::Address,
    /// `MAINSTAY_SERVICE_KEY`: who this service is to auth; nobody in particular if
    /// it is not set.
    pub(crate) service_key: Option<ApiKey>,
    /// `MAINSTAY_TRUST_STALE_SECONDS`: for how long auth may be silent before tokens
    /// are refused, 10 by default.
    pub(crate) stale_after: Duration,
}

// === impl Config ===

impl Config {
    /// Reads the settings, reporting all that is wrong with them.
    pub(crate) fn read(mut reader: config::Reader) -> Result<Self, config::Error> {
        let [auth_url] = upstream::read(&mut reader, ["MAINSTAY_AUTH_URL"]);
        let settings = Self {
            server: server::Settings::read(&mut reader, "localhost:50052", "localhost:9092"),
            database_url: reader.required("DATABASE_URL"),
            database_connections: reader.or("MAINSTAY_DATABASE_CONNECTIONS", SIXTEEN),
            secret_key: MasterKey::read(&mut reader),
            issuer: reader.required("MAINSTAY_ISSUER"),
            auth_url,
            service_key: reader.optional("MAINSTAY_SERVICE_KEY"),
            stale_after: Follower::stale_after(&mut reader),
        };
        reader.finish(settings)
    }
}
