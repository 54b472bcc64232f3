//! REST and cookies on one side, gRPC and tokens on the other.
//!
//! The gateway decides nothing: without it one loses REST and cookies, and not
//! one check. What it knows of the product it reads from the contract at start;
//! there is no code for any single route.

mod body;
mod call;
mod config;
mod credentials;
mod csrf;
mod edge;
mod limits;
mod pages;
mod percent;
mod problem;
mod route;
mod serve;
mod transcode;

#[cfg(test)]
mod fixture;

use std::num::NonZeroUsize;

use platform::{
    Fatal,
    server::Process,
    token::{Verifier, fetch_from_auth},
    upstream,
};

use self::{
    call::Upstreams, config::Settings, credentials::Credentials, limits::Guard, route::Table,
    serve::Gateway,
};

/// What every answer is.
type Response = http::Response<body::Outgoing>;

/// How many calls to one service are made at a time.
const IN_FLIGHT: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// Serves the REST routes of the contract until told to stop.
pub async fn run(reader: platform::config::Reader) -> Result<(), Fatal> {
    let settings = Settings::read(reader)?;
    let table = Table::read(proto::DESCRIPTORS)?;
    let process = Process::start("gateway", &settings.server).await?;
    let services = [("mainstay.auth.", &settings.auth), ("mainstay.content.", &settings.content)];
    let upstreams = Upstreams::connect(&services, || process.shedder(IN_FLIGHT));
    upstreams.serve_all(&table)?;
    let keys = || fetch_from_auth(&upstream::connect(&settings.auth));
    let verifier = settings.issuer.as_deref().map(|issuer| Verifier::new(issuer, keys()));
    let guard = Guard::new(upstreams.clone(), process.limits(), verifier);
    let credentials = Credentials::new(settings.cookies, &table, upstreams)?;
    let gateway = Gateway::new(table, credentials, guard, settings.trusted_origins);
    let refusing = gateway.clone();
    process.serve_http(gateway, move |request| refusing.refuse(request)).await
}
