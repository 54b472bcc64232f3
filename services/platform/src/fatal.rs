//! Why a process could not start or go on, for the person who started it.

use std::error::Error;

use crate::config;

/// A reason to end the process.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The settings are incomplete or wrong.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The contract that was compiled in is unusable.
    #[error("the contract is unusable: {0}")]
    Contract(String),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address, as it was set.
        address: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Something that the process needs does not answer.
    #[error("{what} cannot be used: {}", causes(.cause.as_ref()))]
    Unavailable {
        /// What is needed.
        what: &'static str,
        /// What it said.
        cause: Box<dyn Error + Send + Sync>,
    },
}

// === impl Fatal ===

impl Fatal {
    /// Something that the process needs does not answer.
    pub fn unavailable(what: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable { what, cause: cause.into() }
    }

    /// The exit code that says it to scripts (`sysexits.h`).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 78,
            Self::Contract(_) => 70,
            Self::Listen { .. } | Self::Unavailable { .. } => 69,
        }
    }
}

/// An error and everything that caused it, in one line.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
