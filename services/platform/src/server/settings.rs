//! What an operator sets for every process.

use crate::{config::Reader, limits, telemetry, tls};

/// How a process serves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `MAINSTAY_LISTEN`: the address of the service itself.
    pub listen: String,
    /// `MAINSTAY_ADMIN_LISTEN`: the address of metrics and probes.
    pub admin_listen: String,
    /// `MAINSTAY_DRAIN_SECONDS`: how long running requests may take to finish.
    pub drain_seconds: u64,
    /// `MAINSTAY_STOP_ON_STDIN_CLOSE`: a supervisor holds our standard input.
    pub stop_on_stdin_close: bool,
    /// How the process shows who it is; none if it serves without TLS.
    pub tls: Option<tls::Settings>,
    /// `MAINSTAY_CONNECTIONS_PER_ADDRESS`: how many connections one address (of
    /// IPv6, one /64) may have; 0 is any number. Unset: 100, and any number for
    /// the machine itself.
    pub connections_per_address: Option<u32>,
    /// How much of it one caller may use, and all together.
    pub limits: limits::Settings,
    /// `MAINSTAY_SERVER_TIMING`: answers tell where their time went; for development.
    pub server_timing: bool,
    /// How the process tells what it does.
    pub telemetry: telemetry::Settings,
}

// === impl Settings ===

impl Settings {
    /// Reads the settings that every process has.
    pub fn read(reader: &mut Reader, listen: &str, admin_listen: &str) -> Self {
        Self {
            listen: reader.or("MAINSTAY_LISTEN", listen.to_owned()),
            admin_listen: reader.or("MAINSTAY_ADMIN_LISTEN", admin_listen.to_owned()),
            drain_seconds: reader.or("MAINSTAY_DRAIN_SECONDS", 20),
            connections_per_address: reader.optional("MAINSTAY_CONNECTIONS_PER_ADDRESS"),
            stop_on_stdin_close: reader.or("MAINSTAY_STOP_ON_STDIN_CLOSE", false),
            tls: tls::Settings::read(reader),
            limits: limits::Settings::read(reader),
            server_timing: reader.or("MAINSTAY_SERVER_TIMING", false),
            telemetry: telemetry::Settings::read(reader),
        }
    }
}
