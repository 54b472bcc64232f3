//! The whole product in one binary, and the development stack that tests use.

pub mod admin;
pub mod audit;
mod cli;
pub mod dev;
pub mod doctor;
pub mod exit;
pub mod explain;
mod keys;
pub mod mail;
pub mod migrate;
pub mod service;
pub mod service_key;

use std::process::ExitCode;

use clap::Parser;

/// Does what the command line of this process says.
pub fn run_cli() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// glibc keeps the 19 MiB of each password hash for itself; this one gives them
/// back to the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
