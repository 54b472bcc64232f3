//! What a running server says of itself in `postmaster.pid`, and the signals
//! that it understands.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};

use super::{
    cluster::SOCKET,
    error::Error,
    holder::{Holder, is_same},
};

/// The first process of a server, which may be a child of ours or was left
/// behind by a run that was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub(super) pid: Pid,
    port: String,
    socket: PathBuf,
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
        let found = Self::written_in(data)?;
        (Holder::of(found.pid, data) == Holder::Server).then_some(found)
    }

    /// What the last server on a data folder wrote.
    pub(super) fn written_in(data: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    /// Reads the file (`src/include/utils/pidfile.h` of `PostgreSQL`): process
    /// id, data folder, start time, port, socket folder, address, shared memory,
    /// state. It grows line by line while the server starts.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim);
        let number = lines.next()?.parse().ok().filter(|number| *number > 0)?;
        let pid = Pid::from_raw(number)?;
        let port = lines.nth(2).unwrap_or_default().to_owned();
        let socket = lines.next().unwrap_or_default().into();
        let state = match lines.nth(2) {
            Some("ready") => State::Ready,
            Some("stopping") => State::Stopping,
            _ => State::Starting,
        };
        Some(Self { pid, port, socket, state })
    }

    /// Whether the server listens where one of ours does.
    pub(super) fn listens_at(&self, socket: &Path, data: &Path) -> bool {
        // It works in its data folder.
        let found = data.join(&self.socket);
        let is_port = SOCKET.rsplit_once('.').is_some_and(|(_, port)| port == self.port);
        is_port && is_same(&found, socket) == Some(true)
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
/// none of its processes still writes. Refuses where the other process may be
/// the server: without the file it would end.
pub(super) fn forget_the_dead(data: &Path, socket: &Path) -> Result<(), Error> {
    let file = data.join("postmaster.pid");
    let Some(dead) = Postmaster::written_in(data) else { return Ok(()) };
    let deadline = Instant::now() + REAPING;
    loop {
        let holder = Holder::of(dead.pid, data);
        let is_late = Instant::now() > deadline;
        match holder {
            Holder::Nobody | Holder::Server => return Ok(()),
            Holder::InDoubt if is_late => return Err(Error::InDoubt { file, pid: dead.pid }),
            Holder::Ended | Holder::Stranger if is_late => {
                return remove(&file).and_then(|()| remove(&socket.join(format!("{SOCKET}.lock"))));
            }
            Holder::InDoubt | Holder::Ended | Holder::Stranger => {
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

fn remove(file: &Path) -> Result<(), Error> {
    match fs::remove_file(file) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(Error::Folder { path: file.to_owned(), cause })
        }
        Err(_) | Ok(()) => Ok(()),
    }
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
    fn a_server_that_listens_elsewhere_is_not_one_of_ours() {
        let [data, run, tmp] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let found = |socket: &Path, port: &str| {
            let text = READY.replace("/d/run", socket.to_str().unwrap()).replace("5432", port);
            Postmaster::parse(&text).unwrap().listens_at(run.path(), data.path())
        };
        let beside = Path::new("..").join(run.path().file_name().unwrap());
        assert!(found(run.path(), "5432"));
        assert!(found(&beside, "5432"));
        assert!(!found(run.path(), "5433"));
        assert!(!found(tmp.path(), "5432"));
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
