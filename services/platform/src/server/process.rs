//! The life of a process: listen, say so, serve, drain, end.

use std::{
    convert::Infallible,
    error::Error,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

use super::{
    accept::{self, Peers},
    admin::Admin,
    blocking,
    grpc::{Grpc, Health},
    listen::listen,
    observe::{Kind, Observe},
    spawn,
    stop::{Stop, Stopping},
};
use crate::{
    access::AccessLayer,
    config::Reader,
    fatal::Fatal,
    telemetry::{self, Telemetry},
};

/// So that watchers hear that we are going before they hear nothing more.
const BEFORE_STREAMS_END: Duration = Duration::from_millis(20);

/// How a process serves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `MAINSTAY_LISTEN`: the address of the service itself.
    pub listen: String,
    /// `MAINSTAY_ADMIN_LISTEN`: the address of metrics and probes.
    pub admin_listen: String,
    /// `MAINSTAY_DRAIN_SECONDS`: how long running requests may take to finish.
    pub drain_seconds: u64,
    /// `MAINSTAY_STOP_ON_STDIN_CLOSE`: a supervisor holds our standard input.
    pub stop_on_stdin_close: bool,
    /// How the process tells what it does.
    pub telemetry: telemetry::Settings,
}

/// A process that listens, and does not serve yet.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    listeners: Vec<TcpListener>,
    admin_listeners: Vec<TcpListener>,
    telemetry: Telemetry,
    stop: Stop,
    drain: Duration,
}

// === impl Settings ===

impl Settings {
    /// Reads the settings that every process has.
    pub fn read(reader: &mut Reader, listen: &str, admin_listen: &str) -> Self {
        Self {
            listen: reader.or("MAINSTAY_LISTEN", listen.to_owned()),
            admin_listen: reader.or("MAINSTAY_ADMIN_LISTEN", admin_listen.to_owned()),
            drain_seconds: reader.or("MAINSTAY_DRAIN_SECONDS", 20),
            stop_on_stdin_close: reader.or("MAINSTAY_STOP_ON_STDIN_CLOSE", false),
            telemetry: telemetry::Settings::read(reader),
        }
    }
}

// === impl Process ===

impl Process {
    /// Starts telemetry and takes the addresses, so that what is wrong with
    /// them is told before anything else is tried.
    pub async fn start(name: &'static str, settings: &Settings) -> Result<Self, Fatal> {
        let telemetry = Telemetry::start(name, &settings.telemetry)?;
        let stop = Stop::listen(settings.stop_on_stdin_close)?;
        Ok(Self {
            name,
            listeners: listen(&settings.listen).await?,
            admin_listeners: listen(&settings.admin_listen).await?,
            telemetry,
            stop,
            drain: Duration::from_secs(settings.drain_seconds),
        })
    }

    /// Tells when the process is about to end, which nothing endless may outlast.
    pub fn stopping(&self) -> Stopping {
        self.stop.stopping()
    }

    /// Does something that takes a while, unless the process is told to stop.
    pub async fn prepare<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.stop.graceful.run_until_cancelled(work).await
    }

    /// Serves gRPC until told to stop.
    pub async fn serve_grpc(self, grpc: Grpc, access: AccessLayer) -> Result<(), Fatal> {
        let health = grpc.health();
        let quiet = CancellationToken::new();
        let service = grpc.into_service(&access, quiet.clone());
        self.serve(service, Some((health, quiet))).await
    }

    /// Serves HTTP until told to stop.
    pub async fn serve_http<S, B>(self, service: S) -> Result<(), Fatal>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Default + Send + 'static,
    {
        self.serve(Observe::new(Kind::Http).layer(service), None).await
    }

    async fn serve<S, B>(
        self,
        service: S,
        streams: Option<(Health, CancellationToken)>,
    ) -> Result<(), Fatal>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let ready_line = self.ready_line()?;
        let (telemetry, is_ready) = (Arc::new(self.telemetry), Arc::new(AtomicBool::new(true)));
        let admin = Admin { telemetry: Arc::clone(&telemetry), is_ready: Arc::clone(&is_ready) };
        let ended = CancellationToken::new();
        let admin = spawn(accept::serve(
            self.admin_listeners,
            admin.into_service(),
            Peers::Public,
            Stop::at(ended.clone()),
            Duration::ZERO,
        ));
        if let Some((health, _)) = &streams {
            health.announce(true).await;
        }
        let peers = if streams.is_some() { Peers::Services } else { Peers::Public };
        let stopping = spawn(withdraw(self.stop.graceful.clone(), is_ready, streams));
        announce(&ready_line).map_err(|error| Fatal::unavailable("standard output", error))?;
        tracing::info!(service = self.name, "{} is ready", self.name);

        accept::serve(self.listeners, service, peers, self.stop, self.drain).await;
        ended.cancel();
        for task in [admin, stopping] {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task failed");
            }
        }
        tracing::info!(service = self.name, "{} has stopped", self.name);
        flush(telemetry).await;
        Ok(())
    }

    /// What scripts and supervisors read: where the process can be reached.
    fn ready_line(&self) -> Result<String, Fatal> {
        let address = |listeners: &[TcpListener]| {
            let first = listeners.first().ok_or(std::io::ErrorKind::NotFound)?;
            first.local_addr().map(|address| address.to_string())
        };
        let failed = |cause| Fatal::Listen { address: self.name.to_owned(), cause };
        let listen = address(&self.listeners).map_err(failed)?;
        let admin = address(&self.admin_listeners).map_err(failed)?;
        Ok(serde_json::json!({"service": self.name, "listen": listen, "admin": admin}).to_string())
    }
}

/// Tells probes as soon as the process is told to stop, and then ends their
/// streams, which nothing else would.
async fn withdraw(
    stop: CancellationToken,
    is_ready: Arc<AtomicBool>,
    streams: Option<(Health, CancellationToken)>,
) {
    stop.cancelled().await;
    is_ready.store(false, Ordering::Relaxed);
    if let Some((health, quiet)) = streams {
        health.announce(false).await;
        sleep(BEFORE_STREAMS_END).await;
        quiet.cancel();
    }
}

fn announce(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

async fn flush(telemetry: Arc<Telemetry>) {
    if let Some(telemetry) = Arc::into_inner(telemetry)
        && let Err(error) = blocking(|| telemetry.shut_down()).await
    {
        tracing::debug!(%error, "telemetry was not flushed");
    }
}
