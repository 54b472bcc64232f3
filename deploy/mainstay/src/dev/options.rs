//! What can be asked of `mainstay dev`.

use std::path::PathBuf;

use clap::Args;

use super::postgres::Choice;

/// The data folder, unless another is given.
pub const DATA: &str = ".mainstay";

/// The options of `mainstay dev`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where the ports are.
    #[command(flatten)]
    pub ports: Ports,
    /// Where the data is kept
    #[arg(long, value_name = "DIR", default_value = DATA)]
    pub data: PathBuf,
    /// Keep nothing: use a temporary folder and remove it at the end
    #[arg(long, conflicts_with = "data")]
    pub ephemeral: bool,
    /// Do not make the demo account and its posts
    #[arg(long)]
    pub no_demo: bool,
    /// When ready, print one line of JSON to standard output, and nothing else there
    #[arg(long)]
    pub json: bool,
    /// The folder with PostgreSQL's programs, or `fetch` for a copy of our own even
    /// if some are installed (`PG_BIN_DIR` in the environment does the same)
    #[arg(long, value_name = "DIR|fetch")]
    pub pg: Option<Choice>,
}

/// The ports of the stack; 0 takes any free one.
#[derive(Args, Clone, Copy, Debug)]
pub struct Ports {
    /// The port of the gateway (REST); 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// The port of the auth service (gRPC)
    #[arg(long, value_name = "PORT", default_value_t = 50051)]
    pub auth_port: u16,
    /// The port of the content service (gRPC)
    #[arg(long, value_name = "PORT", default_value_t = 50052)]
    pub content_port: u16,
}

// === impl Ports ===

impl Ports {
    /// Each port with the option that changes it.
    pub fn with_flags(self) -> [(u16, &'static str); 3] {
        [
            (self.port, "--port"),
            (self.auth_port, "--auth-port"),
            (self.content_port, "--content-port"),
        ]
    }
}
