//! `mainstay`: the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    mainstay::run_cli()
}
