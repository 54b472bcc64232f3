//! Settings of the auth service.

use std::{num::NonZeroUsize, time::Duration};

use database::Url;
use platform::{
    config,
    seal::MasterKey,
    server,
    trust::{Follower, LONGEST_TOKEN},
};

use crate::{keys::Rotation, sessions::Lifetimes};

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
    /// `MAINSTAY_SECRET_KEY`, and `MAINSTAY_PREVIOUS_SECRET_KEYS`: encrypts signing keys, page tokens and stored replies.
    pub(crate) secret_key: MasterKey,
    /// `MAINSTAY_ISSUER`: who access tokens say they come from.
    pub(crate) issuer: String,
    /// `MAINSTAY_PUBLIC_URL`: where users reach the product; links in letters lead
    /// there. The issuer by default.
    pub(crate) public_url: String,
    /// `MAINSTAY_ACCESS_TOKEN_SECONDS`: how long access tokens last, 300 by default.
    pub(crate) lifetimes: Lifetimes,
    /// `MAINSTAY_KEY_ROTATION_DAYS`: for how long a key signs, 30 by default.
    pub(crate) rotation: Rotation,
    /// `MAINSTAY_TRUST_STALE_SECONDS`: for how long the database may not be followed
    /// before tokens are refused, 10 by default.
    pub(crate) stale_after: Duration,
}

// === impl Config ===

impl Config {
    /// Reads the settings, reporting all that is wrong with them.
    pub(crate) fn read(mut reader: config::Reader) -> Result<Self, config::Error> {
        let lifetimes = Lifetimes::default();
        let access = reader.or("MAINSTAY_ACCESS_TOKEN_SECONDS", lifetimes.access);
        if u64::from(access) > LONGEST_TOKEN.as_secs() {
            reader.problem("MAINSTAY_ACCESS_TOKEN_SECONDS: must be at most 3600".to_owned());
        }
        let days = reader.or("MAINSTAY_KEY_ROTATION_DAYS", 30);
        if !(1..=366).contains(&days) {
            reader.problem("MAINSTAY_KEY_ROTATION_DAYS: must be 1 to 366".to_owned());
        }
        let issuer: String = reader.required("MAINSTAY_ISSUER");
        let settings = Self {
            server: server::Settings::read(&mut reader, "localhost:50051", "localhost:9091"),
            database_url: reader.required("DATABASE_URL"),
            database_connections: reader.or("MAINSTAY_DATABASE_CONNECTIONS", SIXTEEN),
            secret_key: MasterKey::read(&mut reader),
            public_url: reader.or("MAINSTAY_PUBLIC_URL", issuer.clone()),
            issuer,
            lifetimes: Lifetimes { access, ..lifetimes },
            rotation: Rotation { days },
            stale_after: Follower::stale_after(&mut reader),
        };
        reader.finish(settings)
    }
}
