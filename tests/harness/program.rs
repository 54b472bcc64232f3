//! The program under test as a command line.

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use rustix::process::{Pid, kill_process, test_kill_process};
use tokio::process::Command;

pub use rustix::process::Signal;

use crate::wait::within;

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

const LIMIT: Duration = Duration::from_mins(1);

/// Where the program is: Cargo puts it beside the folder of the test binaries.
pub fn path() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("mainstay-tested")
}

/// The program with arguments and nothing in its environment.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(path());
    command.args(arguments).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// The program with arguments and our own environment, which says where programs
/// are found.
pub fn command_at_home(arguments: &[&str]) -> Command {
    let mut command = Command::new(path());
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Whether a process runs; one that has ended and that nobody has waited for does
/// not.
pub fn is_running(pid: u32) -> bool {
    let number = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name in parentheses: Z is a zombie.
    let is_zombie = stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'));
    test_kill_process(number).is_ok() && !is_zombie
}

/// Sends a signal.
pub fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

/// Runs a command to its end.
pub async fn run(mut command: Command) -> Ended {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = within("the program ends", LIMIT, command.output()).await.unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
