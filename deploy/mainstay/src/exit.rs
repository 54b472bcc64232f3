//! From an error to what the user reads and what a script gets.

use std::{
    fmt,
    io::{self, Write as _},
    process::ExitCode,
};

use crate::dev::{child, folder, ports, postgres};

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    /// One sentence, lower case; empty when it has been said already.
    message: String,
    /// A command line that helps.
    fix: Option<String>,
    /// As in `sysexits.h`.
    code: u8,
}

const UNAVAILABLE: u8 = 69;
const SOFTWARE: u8 = 70;
const TRY_AGAIN: u8 = 75;

// === impl Failure ===

impl Failure {
    /// A failure that an own word describes best.
    pub fn new(message: impl Into<String>, fix: Option<&str>, code: u8) -> Self {
        Self { message: message.into(), fix: fix.map(str::to_owned), code }
    }

    /// Something that is needed does not answer.
    pub fn unavailable(message: impl Into<String>, fix: Option<&str>) -> Self {
        Self::new(message, fix, UNAVAILABLE)
    }

    /// A failure that has been told in full already.
    pub fn silent(code: u8) -> Self {
        Self::new("", None, code)
    }

    /// Tells the user, and gives the code for the shell.
    pub fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            // Nobody is left to tell when standard error is closed.
            drop(writeln!(io::stderr(), "error: {self}"));
        }
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.fix.iter().try_for_each(|fix| write!(f, "\n  fix: {fix}"))
    }
}

impl From<platform::Fatal> for Failure {
    fn from(fatal: platform::Fatal) -> Self {
        Self::new(fatal.to_string(), None, fatal.exit_code())
    }
}

impl From<platform::config::Error> for Failure {
    fn from(error: platform::config::Error) -> Self {
        platform::Fatal::from(error).into()
    }
}

impl From<database::Error> for Failure {
    fn from(error: database::Error) -> Self {
        platform::Fatal::unavailable("the database", error).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string(), None, SOFTWARE)
    }
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        Self { message: error.to_string(), fix: error.fix(), code: error.exit_code() }
    }
}

impl From<folder::Error> for Failure {
    fn from(error: folder::Error) -> Self {
        let code = if error.is_in_use() { TRY_AGAIN } else { 73 };
        Self { message: error.to_string(), fix: Some(error.fix()), code }
    }
}

impl From<ports::Error> for Failure {
    fn from(error: ports::Error) -> Self {
        Self { message: error.to_string(), fix: Some(error.fix()), code: UNAVAILABLE }
    }
}

impl From<child::Error> for Failure {
    fn from(error: child::Error) -> Self {
        Self { message: error.to_string(), fix: None, code: error.exit_code() }
    }
}
