//! `PostgreSQL` for development and tests: found or fetched, started without
//! root's rights on a Unix socket, and stopped again.

mod binaries;
mod cache;
mod cluster;
mod error;
mod fetch;
mod find;
mod guard;
mod holder;
mod home;
mod owner;
mod postmaster;
mod provision;
mod server;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rustix::process::Signal;

use self::server::Server;
pub use self::{
    binaries::{Binaries, Version},
    cluster::{Cluster, Options},
    error::Error,
    fetch::Error as FetchError,
    find::{Choice, Places},
    guard::Guard,
    owner::{Account, Owner},
    provision::{Identifier, NotAnIdentifier, Provision},
};

/// A `PostgreSQL` server of our own. Dropping it stops the server.
///
/// Starting and stopping block the thread for up to some seconds.
#[derive(Debug)]
pub struct Postgres {
    cluster: Cluster,
    socket: PathBuf,
    server: Mutex<Server>,
    /// Last, because it removes what the server uses.
    _guard: Option<Guard>,
}

// === impl Postgres ===

impl Postgres {
    /// Starts a server on the data of a folder, or adopts the one that a killed
    /// run left there. Tells what the user should know through `say`.
    pub fn start(options: &Options, say: &mut dyn FnMut(String)) -> Result<Self, Error> {
        Self::serve(Cluster::open(options, say)?, None)
    }

    /// Starts a server on new data that lasts as long as this process at most,
    /// even when this process is killed. If they are to be `durable` until then, a
    /// crash of the machine loses nothing that was committed, at the usual price.
    pub fn ephemeral(
        places: Places,
        durable: bool,
        say: &mut dyn FnMut(String),
    ) -> Result<Self, Error> {
        let guard = Guard::new("postgres/data");
        let guard = guard.map_err(|cause| Error::Folder { path: std::env::temp_dir(), cause })?;
        let folder = guard.folder().join("postgres");
        let cluster = Cluster::open(&Options { folder, places, durable }, say)?;
        Self::serve(cluster, Some(guard))
    }

    fn serve(cluster: Cluster, guard: Option<Guard>) -> Result<Self, Error> {
        let server = Server::start(&cluster)?;
        let socket = server.socket.clone();
        Ok(Self { cluster, socket, server: Mutex::new(server), _guard: guard })
    }

    /// Says where a role finds a database, in the form of libpq.
    pub fn url(&self, role: &str, database: &str) -> String {
        url(&self.socket, role, database)
    }

    /// Says where the superuser finds a database.
    pub fn superuser_url(&self, database: &str) -> String {
        self.url("postgres", database)
    }

    /// The data that is served.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The folder of the socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The number of the first process of the server.
    pub fn pid(&self) -> u32 {
        self.with_server(|server| server.pid())
    }

    /// Whether the server runs.
    pub fn is_running(&self) -> bool {
        self.with_server(Server::is_running)
    }

    /// Starts the server again after it died; it recovers what was written.
    pub fn restart(&self) -> Result<(), Error> {
        let server = Server::start(&self.cluster)?;
        self.with_server(|old| *old = server);
        Ok(())
    }

    /// Ends the server at once; the next start recovers what was written.
    pub fn abort(&self) {
        self.with_server(|server| server.send(Signal::QUIT));
    }

    fn with_server<T>(&self, use_it: impl FnOnce(&mut Server) -> T) -> T {
        use_it(&mut self.server.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Says where a role finds a database behind a socket, in the form of libpq.
pub fn url(socket: &Path, role: &str, database: &str) -> String {
    let host = socket.to_string_lossy().replace('\\', r"\\").replace('\'', r"\'");
    let host = if host.contains(' ') { format!("'{host}'") } else { host };
    format!("host={host} user={role} dbname={database} sslmode=disable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_odd_paths() {
        for path in ["/tmp/x", "/tmp/with space", r"/tmp/it's\odd", r"/tmp/it's very\odd"] {
            let config: tokio_postgres::Config = url(Path::new(path), "a", "b").parse().unwrap();
            let expected = tokio_postgres::config::Host::Unix(path.into());
            assert_eq!(config.get_hosts(), [expected], "{path}");
            assert_eq!((config.get_user(), config.get_dbname()), (Some("a"), Some("b")));
        }
    }
}
