//! REST and cookies on one side, gRPC and tokens on the other.
//!
//! The gateway decides nothing: without it one loses REST and cookies, and not
//! one check. What it knows of the product it reads from the contract at start;
//! there is no code for any single route.

mod body;
mod browser;
mod call;

mod config;
mod credentials;
mod csrf;
mod download;
mod edge;
mod headers;
mod holder;
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

use platform::{Fatal, server::Process, upstream::Address};

use self::{
    call::Upstreams, config::Settings, credentials::Credentials, route::Table, serve::Gateway,
    stream::Streams,
};

/// What every answer is.
type Response = http::Response<body::Outgoing>;

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
    let upstreams = Upstreams::connect(services);
    upstreams.serve_all(&table)?;
    let credentials = Credentials::new(settings.cookies, &table, upstreams)?;
    let streams = Streams::new(process.stopping());
    process.serve_http(Gateway::new(table, credentials, settings.trusted_origins, streams)).await
}
