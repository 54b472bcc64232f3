//! One service as a real process.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tokio::sync::oneshot;

use crate::{program, wait};

/// A running service.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    log: PathBuf,
    child: Child,
    /// Where it serves.
    pub listen: SocketAddr,
    /// Where it shows metrics and probes.
    pub admin: SocketAddr,
    /// Where it sends those on who speak http.
    pub redirect: Option<SocketAddr>,
}

/// What a service says when it is ready.
#[derive(Debug)]
struct Ready {
    listen: SocketAddr,
    admin: SocketAddr,
    redirect: Option<SocketAddr>,
}

const START_LIMIT: Duration = Duration::from_mins(1);

// === impl Service ===

impl Service {
    /// Starts a service on any free ports and waits until it is ready.
    pub async fn start(
        name: &'static str,
        environment: BTreeMap<String, String>,
        logs: &Path,
    ) -> Self {
        Self::start_as(name, vec![name.to_owned()], environment, logs).await
    }

    /// Starts a service that a command line of its own begins.
    pub async fn start_as(
        name: &'static str,
        arguments: Vec<String>,
        environment: BTreeMap<String, String>,
        logs: &Path,
    ) -> Self {
        let log = logs.join(format!("{name}.log"));
        let mut child = spawn(&arguments, &environment, &log);
        let Ready { listen, admin, redirect } = ready(name, &mut child, &log).await;
        Self { name, arguments, environment, log, child, listen, admin, redirect }
    }

    /// Starts the service again after it ended, on the same ports.
    pub async fn start_again(&mut self) {
        let ports = [("MAINSTAY_LISTEN", self.listen), ("MAINSTAY_ADMIN_LISTEN", self.admin)];
        let redirect = self.redirect.map(|redirect| ("MAINSTAY_HTTP_REDIRECT_LISTEN", redirect));
        for (key, address) in ports.into_iter().chain(redirect) {
            self.environment.insert(key.to_owned(), format!("localhost:{}", address.port()));
        }
        self.child = spawn(&self.arguments, &self.environment, &self.log);
        let Ready { listen, admin, .. } = ready(self.name, &mut self.child, &self.log).await;
        assert_eq!((listen, admin), (self.listen, self.admin), "the same addresses");
    }

    /// Changes a setting of the service for when it is started again.
    pub fn set(&mut self, key: &str, value: &str) {
        self.environment.insert(key.to_owned(), value.to_owned());
    }

    /// The address that other services are told.
    pub fn url(&self) -> String {
        let is_secure = self.environment.contains_key("MAINSTAY_TLS_CERTIFICATE");
        format!("{}://{}", if is_secure { "https" } else { "http" }, self.listen)
    }

    /// The number of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process at once, as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the process to stop, as an operator does.
    pub fn terminate(&self) {
        program::signal(self.pid(), program::Signal::TERM);
    }

    /// Waits for the end of the process.
    pub async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let child = &mut self.child;
        wait::eventually("the process ends", limit, async || child.try_wait().unwrap()).await
    }

    /// Everything the service has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The log, each line parsed.
    pub fn log_lines(&self) -> Vec<Value> {
        let text = self.log();
        // The last line may still be on its way.
        let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
        complete.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The end of the log, for whoever has to find out why a test failed.
    pub(crate) fn show_log(&self) {
        const SHOWN: usize = 30;
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(SHOWN)..];
        eprintln!("--- the end of the log of {}:\n{}", self.name, tail.join("\n"));
    }
}

impl Drop for Service {
    /// Ends the process at once: how it ends when asked has tests of its own.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(arguments: &[String], environment: &BTreeMap<String, String>, log: &Path) -> Child {
    let log = File::options().create(true).append(true).open(log).unwrap();
    Command::new(program::path())
        .args(arguments)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// Reads the one line that a service writes when it is ready.
async fn ready(name: &str, child: &mut Child, log: &Path) -> Ready {
    let line = wait::within(name, START_LIMIT, first_line(child.stdout.take().unwrap())).await;
    let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
        let log = fs::read_to_string(log).unwrap_or_default();
        panic!("{name} did not get ready; it said {line:?} and\n{log}")
    });
    assert_eq!(ready["service"], name, "{line}");
    let address = |key: &str| ready[key].as_str().map(|address| address.parse().unwrap());
    Ready {
        listen: address("listen").unwrap(),
        admin: address("admin").unwrap(),
        redirect: address("redirect"),
    }
}

/// Reads on a thread of its own, so that the rest of the test goes on.
async fn first_line(stdout: ChildStdout) -> String {
    let (send, receive) = oneshot::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout);
        drop(stdout.read_line(&mut line));
        drop(send.send(line));
    });
    receive.await.unwrap_or_default()
}
