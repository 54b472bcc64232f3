//! REST and cookies on one side, gRPC and tokens on the other.
//!
//! The gateway decides nothing: without it one loses REST and cookies, and not
//! one check. What it knows of the product it reads from the contract at start;
//! there is no code for any single route.

mod body;
mod browser;
mod cache;
mod call;
mod compress;
mod conditional;
mod config;
mod cors;
mod credentials;
mod csrf;
mod download;
mod edge;
mod headers;
mod holder;
mod limits;
mod link;
mod openapi;
mod pages;
mod percent;
mod problem;
mod route;
mod serve;
mod stream;
mod transcode;
mod upload;
mod wire;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;

use platform::{
    Fatal, identity::ServiceToken, server::Process, token::Verifier, trust::Follower,
    upstream::Address,
};

pub use self::transcode::codec;

use self::{
    cache::Cache,
    call::Upstreams,
    config::Settings,
    credentials::Credentials,
    limits::Guard,
    route::Table,
    serve::{Gateway, Making},
    stream::Streams,
};

/// What every answer is.
type Response = http::Response<body::Outgoing>;

/// How many calls to one service are made at a time.
const IN_FLIGHT: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// Serves the REST routes of the contract until told to stop.
pub async fn run(reader: platform::config::Reader) -> Result<(), Fatal> {
    let settings = Settings::read(reader)?;
    let services = [
        ("mainstay.auth.", settings.auth.clone()),
        ("mainstay.content.", settings.content.clone()),
    ];
    serve(settings, proto::DESCRIPTORS, &services).await
}

/// Serves another contract, whose services are all where the content service would
/// be: tests have shapes that the product has not.
pub async fn run_on(
    descriptors: &[u8],
    package: &'static str,
    reader: platform::config::Reader,
) -> Result<(), Fatal> {
    let settings = Settings::read(reader)?;
    let services = [(package, settings.content.clone())];
    serve(settings, descriptors, &services).await
}

async fn serve(
    settings: Settings,
    descriptors: &[u8],
    services: &[(&'static str, Address)],
) -> Result<(), Fatal> {
    let table = Table::read(descriptors)?;
    let process = Process::start("gateway", &settings.server).await?;
    let upstreams = Upstreams::connect(services, || process.shedder(IN_FLIGHT));
    upstreams.serve_all(&table)?;
    let identity = ServiceToken::new(settings.service_key, &settings.auth);
    let trust = || Follower::start(&settings.auth, &identity, settings.stale_after);
    let verifier = settings.issuer.as_deref().map(|issuer| Verifier::new(issuer, trust()));
    let guard = Guard::new(upstreams.clone(), process.limits(), verifier);
    let credentials = Credentials::new(settings.cookies, &table, upstreams)?;
    let gateway = Gateway::new(Making {
        table,
        credentials,
        guard,
        trusted_origins: settings.trusted_origins,
        cache: Cache::new(settings.cache_bytes),
        streams: Streams::new(process.stopping()),
    });
    let refusing = gateway.clone();
    process.serve_http(gateway, move |request| refusing.refuse(request)).await
}
