//! The life of a process: listen, say so, serve, drain, end.

use std::{
    convert::Infallible,
    error::Error,
    io::Write,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join;
use http::Response;
use http_body::Body;
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

use super::{
    accept::{self, Asked, Peers, Port},
    admin::Admin,
    blocking,
    early::Early,
    grpc::{Grpc, Health},
    guard::Addresses,
    listen::listen,
    observe::{Kind, Observe},
    settings::Settings,
    spawn,
    stop::{Stop, Stopping},
    timed::Tell,
};
use crate::{
    access::AccessLayer,
    fatal::Fatal,
    limits::{self, Forwarded, Limits, Load, Proxies, Shedder},
    telemetry::Telemetry,
    tls,
};

/// So that watchers hear that we are going before they hear nothing more.
const BEFORE_STREAMS_END: Duration = Duration::from_millis(20);

/// How many calls a service works on at a time: more than one gateway sends.
const IN_FLIGHT: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// A process that listens, and does not serve yet.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    listeners: Vec<TcpListener>,
    admin_listeners: Vec<TcpListener>,
    redirect_listeners: Vec<TcpListener>,
    tls: Option<tls::Server>,
    telemetry: Telemetry,
    stop: Stop,
    drain: Duration,
    addresses: Addresses,
    limits: limits::Settings,
    load: Load,
    tell: Tell,
}

// === impl Process ===

impl Process {
    /// Starts telemetry and takes the addresses, so that what is wrong with
    /// them is told before anything else is tried.
    pub async fn start(name: &'static str, settings: &Settings) -> Result<Self, Fatal> {
        let telemetry = Telemetry::start(name, &settings.telemetry)?;
        let stop = Stop::listen(settings.stop_on_stdin_close)?;
        let tls = settings.tls.as_ref();
        Ok(Self {
            name,
            listeners: listen(&settings.listen).await?,
            admin_listeners: listen(&settings.admin_listen).await?,
            redirect_listeners: match tls.and_then(|tls| tls.redirect_listen.as_deref()) {
                Some(address) => listen(address).await?,
                None => Vec::new(),
            },
            tls: tls.map(tls::Settings::start).transpose()?,
            telemetry,
            stop,
            drain: Duration::from_secs(settings.drain_seconds),
            addresses: Addresses::new(settings.connections_per_address),
            limits: settings.limits.clone(),
            load: Load::default(),
            tell: Tell(settings.server_timing.then_some(name)),
        })
    }

    /// The budgets of those who call this process.
    pub fn limits(&self) -> Limits {
        Limits::new(self.name, &self.limits)
    }

    /// Lets in what can be worked on at a time: as many as an operator says, or
    /// else as many as given.
    pub fn shedder(&self, usually: NonZeroUsize) -> Shedder {
        let in_flight = self.limits.in_flight.unwrap_or(usually);
        Shedder::new(self.name, in_flight, self.load.clone())
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
        let access = access.with_limits(self.limits());
        let service = grpc.into_service(&access, quiet.clone(), self.shedder(IN_FLIGHT));
        // The gateway, if it is on the same machine; otherwise an operator says where.
        let proxies = self.limits.proxies.clone().unwrap_or_else(Proxies::nearby);
        let service = Forwarded(Arc::new(proxies)).layer(service);
        let service = self.tell.layer(service);
        self.serve(service, Some((health, quiet))).await
    }

    /// Serves HTTP until told to stop. What `refuse` answers itself, while there is
    /// too much to do, is not worked on at all.
    pub async fn serve_http<S, B>(
        self,
        service: S,
        refuse: impl Fn(&Asked) -> Option<Response<B>> + Clone + Send + 'static,
    ) -> Result<(), Fatal>
    where
        S: Service<Asked, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>
            + Default
            + Unpin
            + Send
            + 'static,
    {
        let proxies = self.limits.proxies.clone().unwrap_or_else(Proxies::none);
        let observe = Observe::new(Kind::Http);
        let service = self.tell.layer(observe.layer(service));
        let service = Early { observe, refuse }.layer(service);
        self.serve(Forwarded(Arc::new(proxies)).layer(service), None).await
    }

    async fn serve<S, B>(
        self,
        service: S,
        streams: Option<(Health, CancellationToken)>,
    ) -> Result<(), Fatal>
    where
        S: Service<Asked, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static,
    {
        let ready_line = self.ready_line()?;
        let (telemetry, is_ready) = (Arc::new(self.telemetry), Arc::new(AtomicBool::new(true)));
        let admin = Admin { telemetry: Arc::clone(&telemetry), is_ready: Arc::clone(&is_ready) };
        let ended = CancellationToken::new();
        let admin = spawn(accept::serve(
            Port::plain(self.admin_listeners),
            admin.into_service(),
            Peers::Public,
            Stop::at(ended.clone()),
            Duration::ZERO,
        ));
        if let Some((health, _)) = &streams {
            health.announce(true).await;
        }
        let peers = if streams.is_some() { Peers::Services } else { Peers::Public };
        let measuring = spawn(self.load.clone().watch());
        let stopping = spawn(withdraw(self.stop.graceful.clone(), is_ready, streams));
        announce(&ready_line).map_err(|error| Fatal::unavailable("standard output", error))?;
        tracing::info!(service = self.name, "{} is ready", self.name);

        let tls = self.tls.as_ref().map(tls::Server::acceptor);
        let port = Port { listeners: self.listeners, tls, addresses: self.addresses };
        let securing =
            spawn(secure(self.tls, port.number(), self.redirect_listeners, ended.clone()));
        accept::serve(port, service, peers, self.stop, self.drain).await;
        measuring.abort();
        ended.cancel();
        for task in [admin, stopping, securing] {
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
        let mut line = serde_json::json!({"service": self.name, "listen": listen, "admin": admin});
        if let Some(line) = line.as_object_mut().filter(|_| !self.redirect_listeners.is_empty()) {
            let redirect = address(&self.redirect_listeners).map_err(failed)?;
            line.insert("redirect".to_owned(), redirect.into());
        }
        Ok(line.to_string())
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

/// Sends those who speak http on to https, and keeps certificates fresh.
async fn secure(
    tls: Option<tls::Server>,
    https: u16,
    listeners: Vec<TcpListener>,
    ended: CancellationToken,
) {
    let Some(tls) = tls else { return };
    let redirect = tls::Redirect::new(tls.challenges(), https);
    let redirecting = accept::serve(
        Port::plain(listeners),
        redirect.into_service(),
        Peers::Public,
        Stop::at(ended.clone()),
        Duration::ZERO,
    );
    join(redirecting, ended.run_until_cancelled(tls.keep_certified())).await;
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
