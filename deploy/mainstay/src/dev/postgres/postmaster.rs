//! What a running server says of itself in `postmaster.pid`, and the signals
//! that it understands.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};

use super::cluster::SOCKET;

/// The first process of a server, which may be a child of ours or was left
/// behind by a run that was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub(super) pid: Pid,
    pub(super) socket: PathBuf,
    pub(super) state: State,
}

/// How far a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Starting,
    Ready,
    Stopping,
}

/// How long a dead process may wait for its new parent to take note.
const REAPING: Duration = Duration::from_secs(2);

// === impl Postmaster ===

impl Postmaster {
    /// The server that runs on a data folder, if one does.
    pub(super) fn running_on(data: &Path) -> Option<Self> {
        let found = Self::parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)?;
        is_alive(found.pid, data).then_some(found)
    }

    /// Reads the file (`src/include/utils/pidfile.h` of `PostgreSQL`): process
    /// id, data folder, start time, port, socket folder, address, shared memory,
    /// state. It grows line by line while the server starts.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim);
        let number = lines.next()?.parse().ok().filter(|number| *number > 0)?;
        let pid = Pid::from_raw(number)?;
        let socket = lines.nth(3).unwrap_or_default().into();
        let state = match lines.nth(2) {
            Some("ready") => State::Ready,
            Some("stopping") => State::Stopping,
            _ => State::Starting,
        };
        Some(Self { pid, socket, state })
    }
}

/// Sends a signal; a process that is gone has had its wish.
pub(super) fn send(pid: Pid, signal: Signal) {
    if let Err(error) = rustix::process::kill_process(pid, signal) {
        debug_assert_eq!(error, rustix::io::Errno::SRCH, "signal to a process of ours");
    }
}

/// Removes what a dead server left behind, if its number belongs to another
/// process by now: `PostgreSQL` would take that one for the dead server. In all
/// other cases it sees for itself, and better, that the server is dead and that
/// none of its processes still writes.
pub(super) fn forget_the_dead(data: &Path, socket: &Path) -> io::Result<()> {
    let file = data.join("postmaster.pid");
    let Some(dead) = fs::read_to_string(&file).ok().and_then(|it| Postmaster::parse(&it)) else {
        return Ok(());
    };
    let deadline = Instant::now() + REAPING;
    while exists(dead.pid) {
        if Instant::now() > deadline {
            remove(&file)?;
            return remove(&socket.join(format!("{SOCKET}.lock")));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Err(_) | Ok(()) => Ok(()),
    }
}

/// Whether a process runs and is a server on this data folder.
fn is_alive(pid: Pid, data: &Path) -> bool {
    if !exists(pid) || !Path::new("/proc/self/cmdline").exists() {
        return exists(pid);
    }
    // Empty for a process that has ended and that nobody has waited for.
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let folder = data.as_os_str().as_encoded_bytes();
    !folder.is_empty() && command.windows(folder.len()).any(|part| part == folder)
}

/// Whether a number belongs to a process, be it one that has ended.
fn exists(pid: Pid) -> bool {
    let answer = rustix::process::test_kill_process(pid);
    matches!(answer, Ok(()) | Err(rustix::io::Errno::PERM))
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "4711\n/d/data\n1790000000\n5432\n/d/run\n\n  1234  5678\nready   \n";

    #[test]
    fn the_file_of_a_ready_server_is_read() {
        let found = Postmaster::parse(READY).unwrap();
        assert_eq!(found.pid.as_raw_nonzero().get(), 4711);
        assert_eq!(found.socket, Path::new("/d/run"));
        assert_eq!(found.state, State::Ready);
    }

    #[test]
    fn a_file_that_is_still_being_written_means_starting() {
        for lines in 1..8 {
            let text: String = READY.split_inclusive('\n').take(lines).collect();
            assert_eq!(Postmaster::parse(&text).unwrap().state, State::Starting, "{text}");
        }
        assert_eq!(Postmaster::parse(""), None);
        assert_eq!(Postmaster::parse("-4711\n"), None, "single-user mode");
    }

    #[test]
    fn a_number_that_another_process_has_by_now_is_not_a_server() {
        let folder = tempfile::tempdir().unwrap();
        let text = READY.replace("4711", &std::process::id().to_string());
        fs::write(folder.path().join("postmaster.pid"), text).unwrap();
        assert_eq!(Postmaster::running_on(folder.path()), None);
    }
}
