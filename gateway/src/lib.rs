//! REST and cookies on one side, gRPC and tokens on the other.
//!
//! The gateway decides nothing: without it one loses REST and cookies, and not
//! one check. What it knows of the product it reads from the contract at start;
//! there is no code for any single route.

mod body;
mod cache;
mod call;
mod compress;
mod conditional;
mod config;
mod cors;
mod credentials;
mod csrf;
mod edge;
mod headers;
mod limits;
mod link;
mod pages;
mod percent;
mod problem;
mod route;
mod serve;
mod transcode;

#[cfg(test)]
mod fixture;

use platform::{
    Fatal,
    server::Process,
    token::{Verifier, fetch_from_auth},
    upstream,
};

pub use self::transcode::codec;

use self::{
    cache::Cache, call::Upstreams, config::Settings, credentials::Credentials, limits::Guard,
    route::Table, serve::Gateway,
};

/// What every answer is.
type Response = http::Response<body::Outgoing>;

/// Serves the REST routes of the contract until told to stop.
pub async fn run(reader: platform::config::Reader) -> Result<(), Fatal> {
    let settings = Settings::read(reader)?;
    let table = Table::read(proto::DESCRIPTORS)?;
    let process = Process::start("gateway", &settings.server).await?;
    let services = [("mainstay.auth.", &settings.auth), ("mainstay.content.", &settings.content)];
    let upstreams = Upstreams::connect(&services, || process.shedder());
    upstreams.serve_all(&table)?;
    let keys = || fetch_from_auth(&upstream::connect(&settings.auth));
    let verifier = settings.issuer.as_deref().map(|issuer| Verifier::new(issuer, keys()));
    let guard = Guard::new(upstreams.clone(), process.limits(), verifier);
    let credentials = Credentials::new(settings.cookies, &table, upstreams)?;
    let (origins, cache) = (settings.trusted_origins, Cache::new(settings.cache_bytes));
    process.serve_http(Gateway::new(table, credentials, guard, origins, cache)).await
}
