//! The services of the product, each a process of its own.

use std::{fmt, io};

use platform::{Fatal, config::Reader};
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// A service of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Users, sessions and keys.
    Auth,
    /// What users publish.
    Content,
    /// REST and cookies to gRPC and tokens.
    Gateway,
}

// === impl Service ===

impl Service {
    /// The name of its process, its role and its database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Content => "content",
            Self::Gateway => "gateway",
        }
    }

    /// Runs the service in this process until it is told to stop.
    pub fn run(self) -> Result<(), Failure> {
        let reader = Reader::from_env();
        match self {
            Self::Auth => block_on(auth::run(reader)),
            Self::Content => block_on(content::run(reader)),
            Self::Gateway => block_on(gateway::run(reader)),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A runtime on this thread alone: a process serves more by being started twice.
pub fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn block_on(service: impl Future<Output = Result<(), Fatal>>) -> Result<(), Failure> {
    Ok(runtime()?.block_on(service)?)
}
