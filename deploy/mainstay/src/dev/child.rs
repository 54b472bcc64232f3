//! A service as a process that is watched: started, started again when it dies,
//! and stopped.

use std::{
    env, io,
    net::SocketAddr,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{self, ChildStdin, ChildStdout, Command},
    time::{Instant, sleep, timeout},
};

use super::terminal;
use crate::service::Service;

/// A process that runs a service.
#[derive(Debug)]
pub struct Child {
    service: Service,
    environment: Vec<(String, String)>,
    listen: u16,
    admin: u16,
    run: Run,
}

/// One life of a service.
#[derive(Debug)]
struct Run {
    process: process::Child,
    /// Held apart from the process, as waiting for that would close it. Its end
    /// asks the service to stop.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    started: Instant,
    /// How long it took to get ready, once it is.
    took: Option<Duration>,
}

/// What a service says on its standard output, once, when it is ready.
#[derive(Debug, Deserialize)]
struct Ready {
    listen: SocketAddr,
    admin: SocketAddr,
}

/// Why a service did not get ready.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be started at all.
    #[error("{service} could not be started: {cause}")]
    Spawn {
        /// Which.
        service: Service,
        /// What the system said.
        cause: io::Error,
    },
    /// It ended, and said why on standard error.
    #[error("{service} could not start ({status}); it says why above")]
    Ended {
        /// Which.
        service: Service,
        /// How it ended.
        status: ExitStatus,
    },
    /// It neither ended nor got ready.
    #[error("{service} was not ready within {} s", START_LIMIT.as_secs())]
    Slow {
        /// Which.
        service: Service,
    },
}

const START_LIMIT: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

// === impl Child ===

impl Child {
    /// Starts a service on a port; 0 is any. It keeps the port when it has to be
    /// started again.
    pub fn spawn(
        service: Service,
        port: u16,
        environment: Vec<(String, String)>,
    ) -> Result<Self, Error> {
        let run = Run::start(service, [port, 0], &environment)?;
        Ok(Self { service, environment, listen: port, admin: 0, run })
    }

    /// Waits until the service can be used; returns how long that took.
    pub async fn ready(&mut self) -> Result<Duration, Error> {
        if let Some(took) = self.run.took {
            return Ok(took);
        }
        let service = self.service;
        let said = timeout(START_LIMIT, self.run.says_ready(service)).await;
        let ready = said.unwrap_or(Err(Error::Slow { service }))?;
        (self.listen, self.admin) = (ready.listen.port(), ready.admin.port());
        Ok(*self.run.took.insert(self.run.started.elapsed()))
    }

    /// The address of the service.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.listen)
    }

    /// The address of its metrics.
    pub fn metrics(&self) -> String {
        format!("http://localhost:{}/metrics", self.admin)
    }

    /// The number of the process; 0 between two of them.
    pub fn pid(&self) -> u32 {
        self.run.process.id().unwrap_or_default()
    }

    /// Starts the service again whenever it dies, and tells the new number. Runs
    /// until dropped.
    pub async fn watch(&mut self, changed: impl Fn(Service, u32)) {
        let mut pause = FIRST_PAUSE;
        loop {
            let ended = self.run.process.wait().await;
            let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
            if self.run.started.elapsed() > LONGEST_PAUSE * 2 {
                pause = FIRST_PAUSE;
            }
            terminal::note(&format!("{} ended ({how}), starting it again", self.service));
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
            match self.restart().await {
                Ok(()) => changed(self.service, self.pid()),
                Err(error) => terminal::note(&error.to_string()),
            }
        }
    }

    /// Lets the service finish what it does; kills it at the deadline.
    pub async fn stop(&mut self, deadline: Instant) {
        drop(self.run.stdin.take());
        if tokio::time::timeout_at(deadline, self.run.process.wait()).await.is_err() {
            terminal::note(&format!("{} did not stop in time, killing it", self.service));
            self.kill();
        }
    }

    /// Ends the service at once.
    pub fn kill(&mut self) {
        if self.run.process.id().is_some()
            && let Err(error) = self.run.process.start_kill()
        {
            terminal::note(&format!("{} cannot be killed: {error}", self.service));
        }
    }

    async fn restart(&mut self) -> Result<(), Error> {
        let ports = [self.listen, self.admin];
        self.run = Run::start(self.service, ports, &self.environment)?;
        let ready = self.ready().await;
        if ready.is_err() {
            // One that hangs would otherwise be waited for and never started again.
            self.kill();
        }
        ready.map(drop)
    }
}

// === impl Run ===

impl Run {
    fn start(
        service: Service,
        [listen, admin]: [u16; 2],
        environment: &[(String, String)],
    ) -> Result<Self, Error> {
        let failed = |cause| Error::Spawn { service, cause };
        let mut command = Command::new(own_program().map_err(failed)?);
        command
            .arg(service.name())
            .env_clear()
            .envs(environment.iter().cloned())
            .env("MAINSTAY_LISTEN", format!("localhost:{listen}"))
            .env("MAINSTAY_ADMIN_LISTEN", format!("localhost:{admin}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A group of its own, so that Ctrl-C at the terminal does not reach it.
            .process_group(0)
            .kill_on_drop(true);
        let started = Instant::now();
        let mut process = command.spawn().map_err(failed)?;
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().ok_or_else(|| failed(io::Error::other("no output")))?;
        Ok(Self { process, stdin, stdout: BufReader::new(stdout), started, took: None })
    }

    /// Waits for the line that says so, or for the end of the process.
    async fn says_ready(&mut self, service: Service) -> Result<Ready, Error> {
        let failed = |cause| Error::Spawn { service, cause };
        let mut line = String::new();
        self.stdout.read_line(&mut line).await.map_err(failed)?;
        if let Ok(ready) = serde_json::from_str(&line) {
            return Ok(ready);
        }
        let status = self.process.wait().await.map_err(failed)?;
        Err(Error::Ended { service, status })
    }
}

// === impl Error ===

impl Error {
    /// The exit code of the service, which has told the user why.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Spawn { .. } => 71,
            Self::Ended { status, .. } => {
                status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(70)
            }
            Self::Slow { .. } => 69,
        }
    }
}

/// The program of this process, even after a build has replaced the file.
fn own_program() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    if program.exists() { Ok(program) } else { Ok("/proc/self/exe".into()) }
}
