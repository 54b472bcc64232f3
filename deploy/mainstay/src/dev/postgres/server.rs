//! A running server: starting, adopting and stopping it.

use std::{
    fs::{self, File},
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};

use super::{
    cluster::{Cluster, last_line},
    error::Error,
    postmaster::{self, Postmaster, State},
};

/// A running server; it stops when dropped.
#[derive(Debug)]
pub(super) struct Server {
    data: PathBuf,
    pid: Pid,
    /// The folder of its socket.
    pub(super) socket: PathBuf,
    /// Absent when the server was left behind by a run that was killed.
    child: Option<Child>,
}

const POLL: Duration = Duration::from_millis(4);
const START_LIMIT: Duration = Duration::from_mins(1);
/// A log that is longer is begun anew.
const LOG_LIMIT: u64 = 16 * 1024 * 1024;

/// What to send, and how long to wait for it to work: stop and write everything
/// down; stop and recover at the next start; die.
const STOP: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(10)),
    (Signal::QUIT, Duration::from_secs(3)),
    (Signal::KILL, Duration::from_secs(3)),
];

// === impl Server ===

impl Server {
    /// Starts a server and waits until it takes connections. One that already
    /// runs on the data is adopted.
    pub(super) fn start(cluster: &Cluster) -> Result<Self, Error> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let mut server = match left_behind(&cluster.data(), deadline) {
                Some(found) => Self::adopt(cluster, &found)?,
                None => Self::spawn(cluster)?,
            };
            if server.gets_ready_before(deadline) {
                return Ok(server);
            }
            let failure = failure(cluster);
            // Processes of a server that was killed may still be about to end.
            if !failure.to_string().contains("shared memory block") || Instant::now() > deadline {
                return Err(failure);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Whether the server still runs.
    pub(super) fn is_running(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => Postmaster::running_on(&self.data).is_some_and(|it| it.pid == self.pid),
        }
    }

    /// The number of its first process.
    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends a signal.
    pub(super) fn send(&self, signal: Signal) {
        postmaster::send(self.pid, signal);
    }

    fn spawn(cluster: &Cluster) -> Result<Self, Error> {
        let log = cluster.log();
        let unusable = |cause| Error::Folder { path: log.clone(), cause };
        let data = cluster.data();
        postmaster::forget_the_dead(&data, &cluster.socket)?;
        let log_file = open_log(&log).map_err(unusable)?;
        let mut command = cluster.command("postgres");
        command.arg("-D").arg(&data).arg("-k").arg(&cluster.socket);
        for setting in settings(cluster.durable) {
            command.args(["-c", setting]);
        }
        // A group of its own, so that Ctrl-C at the terminal does not reach it.
        command.process_group(0).stdout(log_file.try_clone().map_err(unusable)?).stderr(log_file);
        let child = command.spawn().map_err(unusable)?;
        let socket = cluster.socket.clone();
        let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = number.ok_or_else(|| unusable(io::Error::other("impossible process id")))?;
        Ok(Self { data, pid, socket, child: Some(child) })
    }

    fn adopt(cluster: &Cluster, found: &Postmaster) -> Result<Self, Error> {
        let (data, socket) = (cluster.data(), cluster.socket.clone());
        if found.state == State::Ready && !found.listens_at(&socket, &data) {
            return Err(Error::Foreign { data, pid: found.pid });
        }
        Ok(Self { data, pid: found.pid, socket, child: None })
    }

    fn gets_ready_before(&mut self, deadline: Instant) -> bool {
        while !self.is_ready() {
            if !self.is_running() || Instant::now() > deadline {
                return false;
            }
            thread::sleep(POLL);
        }
        true
    }

    fn is_ready(&self) -> bool {
        // That the process is ours or the server's is known by now.
        Postmaster::written_in(&self.data)
            .is_some_and(|it| it.pid == self.pid && it.state == State::Ready)
    }

    fn ends_within(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.is_running() {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(POLL);
        }
        true
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for (signal, limit) in STOP {
            if !self.is_running() {
                return;
            }
            self.send(signal);
            if self.ends_within(limit) {
                return;
            }
        }
    }
}

/// A server that a killed run left behind. One that is just starting or stopping
/// is waited for.
fn left_behind(data: &Path, deadline: Instant) -> Option<Postmaster> {
    loop {
        let found = Postmaster::running_on(data)?;
        if found.state == State::Ready || Instant::now() > deadline {
            return Some(found);
        }
        thread::sleep(POLL);
    }
}

/// What the log says of a start that failed.
fn failure(cluster: &Cluster) -> Error {
    let log = cluster.log();
    let said = fs::read_to_string(&log).unwrap_or_default();
    let fatal = said.lines().rfind(|it| it.contains("FATAL") || it.contains("PANIC"));
    Error::Start { said: last_line(fatal.unwrap_or(&said)), log }
}

fn open_log(path: &Path) -> io::Result<File> {
    let is_long = fs::metadata(path).is_ok_and(|it| it.len() > LOG_LIMIT);
    let mut options = File::options();
    options.create(true).append(true);
    if is_long {
        fs::remove_file(path)?;
    }
    options.open(path)
}

/// What differs from the defaults: no network, little memory, and no care for
/// the data where nobody wants to keep it.
fn settings(durable: bool) -> impl Iterator<Item = &'static str> {
    let always = [
        "listen_addresses=",
        "port=5432",
        "unix_socket_permissions=0700",
        "max_connections=100",
        "shared_buffers=32MB",
        "timezone=UTC",
        "log_timezone=UTC",
    ];
    let careless = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];
    always.into_iter().chain(careless.into_iter().take(if durable { 0 } else { 3 }))
}
