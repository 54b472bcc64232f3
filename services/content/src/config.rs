//! Settings of the content service.

use std::num::NonZeroUsize;

use database::Url;
use platform::{config, identity::ApiKey, seal::MasterKey, server, upstream};

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
    /// `MAINSTAY_SECRET_KEY`: encrypts page tokens and stored replies.
    pub(crate) secret_key: MasterKey,
    /// `MAINSTAY_ISSUER`: whose access tokens are accepted.
    pub(crate) issuer: String,
    /// `MAINSTAY_AUTH_URL`: where keys and profiles come from.
    pub(crate) auth_url: upstream::Address,
    /// `MAINSTAY_SERVICE_KEY`: who this service is to auth; nobody in particular if
    /// it is not set.
    pub(crate) service_key: Option<ApiKey>,
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
            secret_key: reader.required("MAINSTAY_SECRET_KEY"),
            issuer: reader.required("MAINSTAY_ISSUER"),
            auth_url,
            service_key: reader.optional("MAINSTAY_SERVICE_KEY"),
        };
        reader.finish(settings)
    }
}
