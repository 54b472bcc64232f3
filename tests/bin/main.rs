//! The product as the tests run it: the real command line, `postgres-guard`, which
//! keeps a database server for as long as a test binary runs, and `gateway-on`, a
//! gateway for another contract.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use mainstay::dev::postgres::{Places, Postgres};
use platform::config::Reader;
use serde_json::json;

fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        Some("postgres-guard") => guard(),
        Some("gateway-on") => gateway_on(),
        Some("dev") => match die_with_the_test() {
            Ok(()) => return mainstay::run_cli(),
            Err(error) => Err(error.into()),
        },
        _ => return mainstay::run_cli(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(io::stderr(), "error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Serves the contract in a file of descriptors.
fn gateway_on() -> Result<(), Box<dyn std::error::Error>> {
    let descriptors = std::env::args().nth(2).ok_or("a file of descriptors")?;
    let descriptors = std::fs::read(descriptors)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let gateway = gateway::run_on(&descriptors, "flow.", Reader::from_env());
    Ok(runtime.block_on(gateway)?)
}

/// Has the system stop us when a test ends without doing so: nothing else would
/// tell a stack that nobody is left to use it.
fn die_with_the_test() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    Ok(())
}

/// Serves new data until standard input closes, then deletes it. With `durable` it
/// writes them as it would those of a product.
///
/// A test binary drops no statics, but the system closes its pipes however it
/// ends.
fn guard() -> Result<(), Box<dyn std::error::Error>> {
    let places = Places::usual(None, &mut Reader::from_env());
    let durable = std::env::args().nth(2).as_deref() == Some("durable");
    let mut say = |line| drop(writeln!(io::stderr(), "{line}"));
    let postgres = Postgres::ephemeral(places, durable, &mut say)?;
    writeln!(io::stdout(), "{}", json!({"url": postgres.superuser_url("postgres")}))?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
