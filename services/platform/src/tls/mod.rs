//! TLS on both ends of our connections: certificates from files or from a
//! certificate authority (ACME), replaced while everything goes on.

mod acme;
mod client;
mod file;
mod identity;
mod redirect;
mod reload;
mod server;
mod stream;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::config::Reader;

pub use self::server::Settings;
pub(crate) use self::{
    client::{Client, Connect},
    redirect::Redirect,
    server::{Acceptor, Server},
    stream::Stream,
};

/// The one implementation of cryptography.
fn crypto() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Reports a problem with the settings.
fn refuse<T>(reader: &mut Reader, problem: impl Into<String>) -> Option<T> {
    reader.problem(problem.into());
    None
}
