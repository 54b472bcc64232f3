//! Who has the process number that a server once wrote down: still that server,
//! or somebody else by now.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::process::Pid;

/// Who has a process number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Nobody,
    /// A process that has ended and that its parent has not taken note of.
    Ended,
    /// A process that has nothing to do with the data folder.
    Stranger,
    /// The server of the data folder.
    Server,
    /// Perhaps the server, but we may not look.
    InDoubt,
}

// === impl Holder ===

impl Holder {
    /// Finds out whether a number belongs to the server of a data folder.
    pub(super) fn of(pid: Pid, data: &Path) -> Self {
        if !exists(pid) {
            return Self::Nobody;
        }
        if !Path::new("/proc/self/cmdline").exists() {
            return Self::Server;
        }
        let process = PathBuf::from(format!("/proc/{pid}"));
        match fs::read(process.join("cmdline")) {
            // Nor has one that is just being started a command line.
            Ok(command) if command.is_empty() => {
                if has_ended(&process) {
                    Self::Ended
                } else {
                    Self::InDoubt
                }
            }
            Ok(command) => {
                // A server works in its data folder, whatever it was started with.
                let works_there = is_same(&process.join("cwd"), data);
                let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
                let is_postgres = ["postgres", "postmaster"].iter().any(|it| name.contains(it));
                Self::judge(works_there, is_postgres, || serves(&command, pid, data))
            }
            // The system may hide the processes of others.
            Err(_) if exists(pid) => Self::InDoubt,
            Err(_) => Self::Nobody,
        }
    }

    /// `None` is what we may not know: in a container, root may be kept from
    /// seeing where the processes of others work.
    fn judge(
        works_there: Option<bool>,
        is_postgres: bool,
        serves: impl FnOnce() -> Option<bool>,
    ) -> Self {
        match (works_there, is_postgres) {
            (Some(true), true) => Self::Server,
            (Some(true), false) => Self::InDoubt,
            (Some(false), _) | (None, false) => Self::Stranger,
            (None, true) => match serves() {
                Some(true) => Self::Server,
                Some(false) => Self::Stranger,
                None => Self::InDoubt,
            },
        }
    }
}

/// Whether a number belongs to a process, be it one that has ended.
fn exists(pid: Pid) -> bool {
    let answer = rustix::process::test_kill_process(pid);
    matches!(answer, Ok(()) | Err(rustix::io::Errno::PERM))
}

/// Whether a process is a zombie: its state stands behind its name in brackets.
fn has_ended(process: &Path) -> bool {
    let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z'))
}

/// Whether two paths lead to one folder, if we may know.
pub(super) fn is_same(a: &Path, b: &Path) -> Option<bool> {
    let (a, b) = (fs::metadata(a).ok()?, fs::metadata(b).ok()?);
    Some((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

/// Whether a command line names this data folder or, for certain, another: one
/// in which the process has written down its number.
fn serves(command: &[u8], pid: Pid, data: &Path) -> Option<bool> {
    let named = data_folder(command)?;
    if is_same(&named, data) == Some(true) {
        return Some(true);
    }
    let written = fs::read_to_string(named.join("postmaster.pid")).ok()?;
    (written.lines().next()?.trim() == pid.to_string()).then_some(false)
}

/// The folder behind `-D`, unless it is relative to we do not know what.
fn data_folder(command: &[u8]) -> Option<PathBuf> {
    let mut arguments = command.split(|byte| *byte == 0);
    let flag = arguments.find(|argument| argument.starts_with(b"-D"))?;
    let folder = if flag == b"-D" { arguments.next()? } else { flag.strip_prefix(b"-D")? };
    let folder = PathBuf::from(OsStr::from_bytes(folder));
    folder.is_absolute().then_some(folder)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A process called `postgres` that works in a folder and waits.
    fn postgres_in(folder: &Path, programs: &Path) -> Child {
        let program = programs.join("postgres");
        std::os::unix::fs::symlink("/bin/sh", &program).unwrap();
        let mut command = Command::new(&program);
        command.args(["-c", "read -r _"]).current_dir(folder).stdin(Stdio::piped());
        command.spawn().unwrap()
    }

    fn pid(child: &Child) -> Pid {
        Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_server_is_known_by_where_it_works() {
        let [data, other, programs] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let mut child = postgres_in(data.path(), programs.path());
        let number = pid(&child);
        let becomes = |expected: Holder| {
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
            while Holder::of(number, data.path()) != expected {
                assert!(std::time::Instant::now() < deadline, "not {expected:?}");
            }
        };
        becomes(Holder::Server);
        assert_eq!(Holder::of(number, other.path()), Holder::Stranger);
        child.kill().unwrap();
        becomes(Holder::Ended);
        child.wait().unwrap();
        assert_eq!(Holder::of(number, data.path()), Holder::Nobody);
    }

    #[test]
    fn who_may_be_the_server_is_not_taken_for_a_stranger() {
        let unasked = || unreachable!("the command line is not looked at");
        assert_eq!(Holder::judge(Some(true), true, unasked), Holder::Server);
        assert_eq!(Holder::judge(Some(true), false, unasked), Holder::InDoubt);
        assert_eq!(Holder::judge(Some(false), true, unasked), Holder::Stranger);
        assert_eq!(Holder::judge(None, false, unasked), Holder::Stranger);
        assert_eq!(Holder::judge(None, true, || None), Holder::InDoubt);
        assert_eq!(Holder::judge(None, true, || Some(true)), Holder::Server);
        assert_eq!(Holder::judge(None, true, || Some(false)), Holder::Stranger);
    }

    #[test]
    fn a_relative_folder_on_the_command_line_tells_nothing() {
        let folder = |command: &str| data_folder(command.replace(' ', "\0").as_bytes());
        assert_eq!(folder("postgres -D data -k /run"), None);
        assert_eq!(folder("postgres -k /run"), None);
        assert_eq!(folder("postgres -k /run -D /d/data"), Some("/d/data".into()));
        assert_eq!(folder("postgres -D/d/data"), Some("/d/data".into()));
    }

    #[test]
    fn another_folder_counts_only_if_the_process_has_signed_there() {
        let [data, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let command = |folder: &Path| format!("postgres\0-D\0{}\0", folder.display()).into_bytes();
        let pid = Pid::from_raw(4711).unwrap();
        assert_eq!(serves(&command(data.path()), pid, data.path()), Some(true));
        assert_eq!(serves(&command(other.path()), pid, data.path()), None);
        fs::write(other.path().join("postmaster.pid"), "4711\n").unwrap();
        assert_eq!(serves(&command(other.path()), pid, data.path()), Some(false));
    }
}
