//! The product as the tests run it: the real command line, and `postgres-guard`,
//! which keeps a database server for as long as a test binary runs.

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

/// Has the system stop us when a test ends without doing so: nothing else would
/// tell a stack that nobody is left to use it.
fn die_with_the_test() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    Ok(())
}

/// Serves new data until standard input closes, then deletes it.
///
/// A test binary drops no statics, but the system closes its pipes however it
/// ends.
fn guard() -> Result<(), Box<dyn std::error::Error>> {
    let places = Places::usual(None, &mut Reader::from_env());
    let postgres = Postgres::ephemeral(places, &mut |line| drop(writeln!(io::stderr(), "{line}")))?;
    writeln!(io::stdout(), "{}", json!({"url": postgres.superuser_url("postgres")}))?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
