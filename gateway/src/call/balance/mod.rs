//! One service at several addresses: a connection to each, the less busy of two
//! chosen for each call, and those that fail left out.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use opentelemetry::{KeyValue, metrics::Gauge};
use platform::{
    server::spawn,
    status::{self, Reason},
    telemetry::{BACKEND, BREAKER_STATE},
    upstream::{self, Address},
};
use tonic::transport::Channel;

use super::{
    Failure,
    breaker::{Breaker, Position},
};

/// How long the addresses of a name are believed.
const FRESH: Duration = Duration::from_secs(5);
const COME_AGAIN: Duration = Duration::from_secs(1);

/// A service, wherever it is.
#[derive(Clone, Debug)]
pub(super) struct Backend(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    package: &'static str,
    address: Address,
    members: Mutex<Members>,
    /// Held while a name is resolved, so that a burst of calls asks once.
    resolving: tokio::sync::Mutex<()>,
    state: Gauge<u64>,
    turn: AtomicUsize,
}

#[derive(Clone, Debug, Default)]
struct Members {
    all: Arc<[Arc<Member>]>,
    asked: Option<Instant>,
}

/// One address of a service.
#[derive(Debug)]
struct Member {
    address: SocketAddr,
    calls: Channel,
    /// Streams have a connection of their own: a slow reader of one must not use
    /// up the window that calls share.
    streams: Channel,
    in_flight: AtomicUsize,
    breaker: Breaker,
}

/// A member that works on one call, until it is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    backend: Backend,
    member: Arc<Member>,
    has_siblings: bool,
    is_reported: bool,
}

// === impl Backend ===

impl Backend {
    pub(super) fn new(package: &'static str, address: &Address) -> Self {
        let meter = opentelemetry::global::meter("mainstay");
        Self(Arc::new(Inner {
            package,
            address: address.clone(),
            members: Mutex::default(),
            resolving: tokio::sync::Mutex::default(),
            state: meter.u64_gauge(BREAKER_STATE).build(),
            turn: AtomicUsize::new(0),
        }))
    }

    /// Chooses whom to call.
    pub(super) async fn lease(&self) -> Result<Lease, Failure> {
        let members = self.members().await?;
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let mut order: Vec<_> = (0..members.len())
            .filter_map(|offset| members.get((turn + offset) % members.len()))
            .collect();
        // The less busy of two, and the others only if neither is called.
        if let [one, other, ..] = order.as_mut_slice()
            && other.in_flight.load(Ordering::Relaxed) < one.in_flight.load(Ordering::Relaxed)
        {
            std::mem::swap(one, other);
        }
        let member = order.into_iter().find(|member| member.breaker.admit(now));
        let member = member.ok_or_else(spared)?;
        member.in_flight.fetch_add(1, Ordering::Relaxed);
        if member.breaker.position() != Position::Closed {
            self.publish();
        }
        let has_siblings = members.len() > 1;
        let member = Arc::clone(member);
        Ok(Lease { backend: self.clone(), member, has_siblings, is_reported: false })
    }

    /// Whoever serves at the moment. A name is looked up when it is first needed,
    /// and later again beside the calls.
    async fn members(&self) -> Result<Arc<[Arc<Member>]>, Failure> {
        let known = self.known();
        if known.all.is_empty() {
            self.resolve().await?;
            return Ok(self.known().all);
        }
        let is_old = known.asked.is_none_or(|asked| asked.elapsed() >= FRESH);
        if is_old && !self.0.address.is_literal() && self.0.resolving.try_lock().is_ok() {
            let this = self.clone();
            drop(spawn(async move { this.resolve().await.is_ok() }));
        }
        Ok(known.all)
    }

    async fn resolve(&self) -> Result<(), Failure> {
        let _one_at_a_time = self.0.resolving.lock().await;
        let known = self.known();
        let asked = known.asked.map(|asked| asked.elapsed());
        if known.all.is_empty() {
            // Whoever waited for the same lookup is told the same.
            if asked.is_some_and(|asked| asked < COME_AGAIN) {
                return Err(spared());
            }
        } else if asked.is_some_and(|asked| asked < FRESH) {
            return Ok(());
        }
        let found = self.0.address.resolve().await;
        let mut members = self.0.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.asked = Some(Instant::now());
        match found {
            Ok(addresses) if !addresses.is_empty() => {
                members.all = addresses.iter().map(|it| self.member(&members.all, *it)).collect();
            }
            Ok(_) if !members.all.is_empty() => {}
            Err(error) if !members.all.is_empty() => {
                tracing::warn!(%error, "a name is not found any more; its last addresses are used");
            }
            Ok(_) => return Err(unresolved(&std::io::ErrorKind::NotFound.into())),
            Err(error) => return Err(unresolved(&error)),
        }
        Ok(())
    }

    /// The member at an address: the one that is there, or a new one.
    fn member(&self, known: &[Arc<Member>], address: SocketAddr) -> Arc<Member> {
        let found = known.iter().find(|member| member.address == address);
        found.map_or_else(
            || {
                Arc::new(Member {
                    address,
                    calls: upstream::channel_to(&self.0.address, address),
                    streams: upstream::streaming_channel_to(&self.0.address, address),
                    in_flight: AtomicUsize::new(0),
                    breaker: Breaker::new(Instant::now()),
                })
            },
            Arc::clone,
        )
    }

    fn known(&self) -> Members {
        self.0.members.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells operators how well the best address does.
    fn publish(&self) {
        let best = self.known().all.iter().map(|member| member.breaker.position()).min();
        let value = match best.unwrap_or(Position::Closed) {
            Position::Closed => 0,
            Position::HalfOpen => 1,
            Position::Open => 2,
        };
        let package = self.0.package.trim_end_matches('.');
        self.0.state.record(value, &[KeyValue::new(BACKEND, package)]);
    }
}

fn spared() -> Failure {
    Failure::Spared(status::refuse_until(Reason::UNAVAILABLE, COME_AGAIN))
}

fn unresolved(error: &std::io::Error) -> Failure {
    Failure::Broken { status: status::unavailable(error), is_unsent: true }
}

// === impl Lease ===

impl Lease {
    pub(super) fn channel(&self) -> Channel {
        self.member.calls.clone()
    }

    pub(super) fn streams(&self) -> Channel {
        self.member.streams.clone()
    }

    /// Notes what came of the call.
    pub(super) fn report(mut self, failure: Option<&Failure>) {
        self.is_reported = true;
        let (breaker, now) = (&self.member.breaker, Instant::now());
        let before = breaker.position();
        match failure {
            Some(Failure::Broken { is_unsent, .. }) => {
                breaker.failed(now, *is_unsent && self.has_siblings);
            }
            None | Some(Failure::Told(_) | Failure::Spared(_)) => breaker.succeeded(now),
        }
        let after = breaker.position();
        if before != after {
            let address = self.member.address;
            match after {
                Position::Open => tracing::warn!(%address, "a service is not called for a while"),
                Position::HalfOpen => {}
                Position::Closed => tracing::info!(%address, "a service is called again"),
            }
            self.backend.publish();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.member.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.is_reported {
            self.member.breaker.abandoned(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests;
