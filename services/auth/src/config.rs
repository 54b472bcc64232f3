//! Settings of the auth service.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use database::Url;
use platform::{
    config,
    seal::MasterKey,
    server,
    trust::{Follower, LONGEST_TOKEN},
    upstream,
};

use crate::{
    factors::Origins, identities, keys::Rotation, mail, sessions::Lifetimes, users::SignUp,
};

const SIXTEEN: NonZeroUsize = NonZeroUsize::new(16).unwrap();
const FIFTEEN: NonZeroU32 = NonZeroU32::new(15).unwrap();

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
    /// `MAINSTAY_AUDIT_CHECKPOINT_SECONDS`: a checkpoint of the audit log is signed
    /// when this has passed and something has happened, 60 by default.
    pub(crate) checkpoint_every: Duration,
    /// `MAINSTAY_WEBAUTHN_ORIGINS`: where passkeys may be used beside the public URL:
    /// origins of the same site, with commas between them.
    pub(crate) webauthn_origins: Origins,
    /// `MAINSTAY_SIGN_UP`: `open`, `verified` or `closed`; `open` by default.
    pub(crate) sign_up: SignUp,
    /// `MAINSTAY_CONTENT_URL`: where what users wrote is erased and handed out;
    /// without it erasures wait, and nobody gets an archive.
    pub(crate) content_url: Option<upstream::Address>,
    /// How letters leave.
    pub(crate) mail: mail::Settings,
    /// `MAINSTAY_ACCESS_TOKEN_SECONDS`: how long access tokens last, 300 by default.
    /// `MAINSTAY_SESSION_SECONDS` and `MAINSTAY_SESSION_IDLE_SECONDS`: how long
    /// sessions last, 30 days, and unused ones, 14 days; `MAINSTAY_ADMIN_SESSION_SECONDS`
    /// and `MAINSTAY_ADMIN_SESSION_IDLE_SECONDS`: those of admins, 12 hours and 30
    /// minutes. `MAINSTAY_REFRESH_GRACE_SECONDS`: for how long a used refresh token
    /// gives the same successor, 10 by default.
    pub(crate) lifetimes: Lifetimes,
    /// `MAINSTAY_STUFFING_LIMIT`: how many guesses may come from one network in three
    /// hours, 15 by default.
    pub(crate) stuffing_limit: NonZeroU32,
    /// `MAINSTAY_KEY_ROTATION_DAYS`: for how long a key signs, 30 by default.
    pub(crate) rotation: Rotation,
    /// `MAINSTAY_TRUST_STALE_SECONDS`: for how long the database may not be followed
    /// before tokens are refused, 10 by default.
    pub(crate) stale_after: Duration,
    /// `MAINSTAY_PROVIDERS`: the other sites that people can sign in with.
    pub(crate) providers: Vec<identities::Settings>,
}

// === impl Config ===

impl Config {
    /// Reads the settings, reporting all that is wrong with them.
    pub(crate) fn read(mut reader: config::Reader) -> Result<Self, config::Error> {
        let lifetimes = Lifetimes::read(&mut reader);
        let checkpoint = reader.or("MAINSTAY_AUDIT_CHECKPOINT_SECONDS", 60);
        if u64::from(lifetimes.access) > LONGEST_TOKEN.as_secs() {
            reader.problem("MAINSTAY_ACCESS_TOKEN_SECONDS: must be at most 3600".to_owned());
        }
        let days = reader.or("MAINSTAY_KEY_ROTATION_DAYS", 30);
        if !(1..=366).contains(&days) {
            reader.problem("MAINSTAY_KEY_ROTATION_DAYS: must be 1 to 366".to_owned());
        }
        let issuer: String = reader.required("MAINSTAY_ISSUER");
        let providers = identities::Settings::read_all(&mut reader);
        let settings = Self {
            providers,
            server: server::Settings::read(&mut reader, "localhost:50051", "localhost:9091"),
            database_url: reader.required("DATABASE_URL"),
            database_connections: reader.or("MAINSTAY_DATABASE_CONNECTIONS", SIXTEEN),
            secret_key: MasterKey::read(&mut reader),
            sign_up: reader.or("MAINSTAY_SIGN_UP", SignUp::default()),
            public_url: reader.or("MAINSTAY_PUBLIC_URL", issuer.clone()),
            webauthn_origins: reader.or("MAINSTAY_WEBAUTHN_ORIGINS", Origins::default()),
            issuer,
            checkpoint_every: Duration::from_secs(checkpoint),
            lifetimes,
            stuffing_limit: reader.or("MAINSTAY_STUFFING_LIMIT", FIFTEEN),
            rotation: Rotation { days },
            stale_after: Follower::stale_after(&mut reader),
            content_url: content_url(&mut reader),
            mail: mail::Settings::read(&mut reader),
        };
        reader.finish(settings)
    }
}

fn content_url(reader: &mut config::Reader) -> Option<upstream::Address> {
    const NAME: &str = "MAINSTAY_CONTENT_URL";
    reader.optional::<String>(NAME)?;
    let [address] = upstream::read(reader, [NAME]);
    Some(address)
}

// === impl Lifetimes ===

impl Lifetimes {
    fn read(reader: &mut config::Reader) -> Self {
        let usual = Self::default();
        Self {
            access: reader.or("MAINSTAY_ACCESS_TOKEN_SECONDS", usual.access),
            idle: reader.or("MAINSTAY_SESSION_IDLE_SECONDS", usual.idle),
            session: reader.or("MAINSTAY_SESSION_SECONDS", usual.session),
            admin_idle: reader.or("MAINSTAY_ADMIN_SESSION_IDLE_SECONDS", usual.admin_idle),
            admin_session: reader.or("MAINSTAY_ADMIN_SESSION_SECONDS", usual.admin_session),
            grace: reader.or("MAINSTAY_REFRESH_GRACE_SECONDS", usual.grace),
        }
    }
}
