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
mod openapi;
mod pages;
mod percent;
mod problem;
mod route;
mod serve;
mod transcode;

#[cfg(test)]
mod fixture;

use platform::{Fatal, server::Process};

use self::{
    call::Upstreams, config::Settings, credentials::Credentials, route::Table, serve::Gateway,
};

/// What every answer is.
type Response = http::Response<body::Outgoing>;

/// Serves the REST routes of the contract until told to stop.
pub async fn run(reader: platform::config::Reader) -> Result<(), Fatal> {
    let settings = Settings::read(reader)?;
    let table = Table::read(proto::DESCRIPTORS)?;
    let process = Process::start("gateway", &settings.server).await?;
    let upstreams = Upstreams::connect(&[
        ("mainstay.auth.", &settings.auth),
        ("mainstay.content.", &settings.content),
    ]);
    upstreams.serve_all(&table)?;
    let credentials = Credentials::new(settings.cookies, &table, upstreams)?;
    process.serve_http(Gateway::new(table, credentials, settings.trusted_origins)).await
}
