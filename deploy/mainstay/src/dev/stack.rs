//! Everything that runs: `PostgreSQL` and the services on it.

use std::{sync::Arc, time::Duration};

use platform::{config::Reader, server::blocking};
use tokio::time::{Instant, sleep};

use super::{
    Options,
    child::Child,
    folder::Folder,
    launch::Settings,
    postgres::{self, NotAnIdentifier, Places, Postgres},
    signals::Signals,
    state::{Metrics, Pids, Running, State, StateFile},
    terminal::{self, Terminal},
};
use crate::exit::Failure;

/// What runs. Dropping it ends everything, in this order.
#[derive(Debug)]
pub struct Stack {
    gateway: Child,
    content: Child,
    auth: Child,
    state: StateFile,
    postgres: Arc<Postgres>,
    /// Last, because others may use the folder once its lock is gone.
    folder: Folder,
}

/// How long running requests may take after the wish to stop.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// How much of that the gateway may use, so that those it calls have some left.
const GATEWAY_LIMIT: Duration = Duration::from_secs(5);
const POSTGRES_CHECK: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

// === impl Stack ===

impl Stack {
    /// Starts everything and waits until it can be used.
    pub async fn start(
        options: &Options,
        folder: Folder,
        terminal: Terminal,
    ) -> Result<Self, Failure> {
        let mut reader = Reader::from_env();
        let places = Places::usual(options.pg.clone(), &mut reader);
        let settings = Settings::read(&mut reader, folder.secret()?);
        let settings = reader.finish(settings)?;
        let postgres = Arc::new(start_postgres(&folder, places, terminal).await?);
        let [auth, content, gateway] = settings.start(options.ports, &postgres, terminal).await?;
        settings.provision(&postgres).await?;
        let running = Running {
            gateway: gateway.url(),
            auth: auth.url(),
            content: content.url(),
            metrics: Metrics {
                auth: auth.metrics(),
                content: content.metrics(),
                gateway: gateway.metrics(),
            },
            data_dir: folder.path().to_owned(),
            pids: Pids {
                postgres: postgres.pid(),
                auth: auth.pid(),
                content: content.pid(),
                gateway: gateway.pid(),
            },
        };
        let socket = postgres.socket().to_owned();
        let state = State { running, supervisor: std::process::id(), socket };
        let state = StateFile::create(folder.path(), state)?;
        Ok(Self { gateway, content, auth, state, postgres, folder })
    }

    /// Where it is reached.
    pub fn running(&self) -> Running {
        self.state.get().running
    }

    /// The server of the databases.
    pub fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// Its data folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Starts again what dies. Runs until dropped.
    pub async fn watch(&mut self) {
        let state = &self.state;
        let changed = |service, pid| state.update(|state| state.running.pids.set(service, pid));
        tokio::join!(
            self.gateway.watch(changed),
            self.content.watch(changed),
            self.auth.watch(changed),
            watch_postgres(&self.postgres, state),
            write_down(&self.postgres),
        );
    }

    /// Stops everything, the gateway before those it calls; at once when another
    /// signal comes.
    pub async fn stop(mut self, signals: &mut Signals) {
        let is_urgent = tokio::select! {
            () = self.stop_services() => false,
            () = signals.next() => true,
        };
        if is_urgent {
            for service in [&mut self.gateway, &mut self.content, &mut self.auth] {
                service.kill();
            }
            self.postgres.abort();
        }
        let postgres = Arc::clone(&self.postgres);
        let stopped = blocking(move || drop(self));
        tokio::select! {
            done = stopped => if let Err(error) = done {
                terminal::note(&format!("the stack was not stopped: {error}"));
            },
            () = signals.next() => postgres.abort(),
        }
    }

    async fn stop_services(&mut self) {
        let asked = Instant::now();
        self.gateway.stop(asked + GATEWAY_LIMIT).await;
        let deadline = asked + STOP_LIMIT;
        tokio::join!(self.content.stop(deadline), self.auth.stop(deadline));
    }
}

async fn start_postgres(
    folder: &Folder,
    places: Places,
    terminal: Terminal,
) -> Result<Postgres, Failure> {
    let started = Instant::now();
    let durable = !folder.is_ephemeral();
    let options = postgres::Options { folder: folder.postgres(), places, durable };
    let start = move || Postgres::start(&options, &mut |line| terminal::note(&line));
    let lost = |error| Failure::new(format!("PostgreSQL was not started: {error}"), None, 70);
    let postgres = blocking(start).await.map_err(lost)??;
    let impossible = |error: NotAnIdentifier| Failure::new(error.to_string(), None, 70);
    let auth = "auth".parse().map_err(impossible)?;
    let content = "content".parse().map_err(impossible)?;
    let provision = postgres.provision();
    tokio::try_join!(provision.service(&auth), provision.service(&content))?;
    let version = &postgres.cluster().binaries().version;
    let home = postgres.cluster().home().display();
    terminal.step("database", format!("PostgreSQL {version}, {home}"), started.elapsed());
    Ok(postgres)
}

/// Spares the first stop the writing of everything that the first start made.
async fn write_down(postgres: &Postgres) {
    if postgres.cluster().is_new()
        && let Err(error) = postgres.provision().checkpoint().await
    {
        terminal::note(&error.to_string());
    }
}

/// Starts `PostgreSQL` again when it dies. Runs until dropped.
async fn watch_postgres(postgres: &Arc<Postgres>, state: &StateFile) {
    let mut pause = POSTGRES_CHECK;
    loop {
        sleep(pause).await;
        if postgres.is_running() {
            pause = POSTGRES_CHECK;
            continue;
        }
        terminal::note("PostgreSQL ended, starting it again");
        let again = Arc::clone(postgres);
        match blocking(move || again.restart()).await {
            Ok(Ok(())) => state.update(|state| state.running.pids.postgres = postgres.pid()),
            Ok(Err(error)) => terminal::note(&error.to_string()),
            Err(error) => terminal::note(&error.to_string()),
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}
