//! Settings of the auth service.

use std::num::NonZeroUsize;

use database::Url;
use platform::{config, seal::MasterKey, server};

use crate::{identities, sessions::Lifetimes};

const SIXTEEN: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// Everything this process can be told.
#[derive(Debug)]
pub(crate) struct Config {
    /// How it serves; `MAINSTAY_LISTEN` is `localhost:50051` by default.
    pub(crate) server: server::Settings,
    /// `DATABASE_URL`.
    pub(crate) database_url: Url,
    /// `MAINSTAY_DATABASE_CONNECTIONS`: at most this many, 16 by default.
    pub(crate) database_connections: NonZeroUsize,
    /// `MAINSTAY_SECRET_KEY`: encrypts signing keys, page tokens and stored replies.
    pub(crate) secret_key: MasterKey,
    /// `MAINSTAY_ISSUER`: who access tokens say they come from.
    pub(crate) issuer: String,
    /// `MAINSTAY_PUBLIC_URL`: where users reach the product; links in letters lead
    /// there. The issuer by default.
    pub(crate) public_url: String,
    /// `MAINSTAY_ACCESS_TOKEN_SECONDS`: how long access tokens last, 300 by default.
    pub(crate) lifetimes: Lifetimes,
    /// `MAINSTAY_PROVIDERS`: the other sites that people can sign in with.
    pub(crate) providers: Vec<identities::Settings>,
}

// === impl Config ===

impl Config {
    /// Reads the settings, reporting all that is wrong with them.
    pub(crate) fn read(mut reader: config::Reader) -> Result<Self, config::Error> {
        let lifetimes = Lifetimes::default();
        let access = reader.or("MAINSTAY_ACCESS_TOKEN_SECONDS", lifetimes.access);
        let issuer: String = reader.required("MAINSTAY_ISSUER");
        let providers = identities::Settings::read_all(&mut reader);
        let settings = Self {
            providers,
            server: server::Settings::read(&mut reader, "localhost:50051", "localhost:9091"),
            database_url: reader.required("DATABASE_URL"),
            database_connections: reader.or("MAINSTAY_DATABASE_CONNECTIONS", SIXTEEN),
            secret_key: reader.required("MAINSTAY_SECRET_KEY"),
            public_url: reader.or("MAINSTAY_PUBLIC_URL", issuer.clone()),
            issuer,
            lifetimes: Lifetimes { access, ..lifetimes },
        };
        reader.finish(settings)
    }
}
