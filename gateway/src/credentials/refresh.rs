//! A refresh token exchanged for new tokens, once for all requests that need it.
//!
//! Many requests of one page find at the same moment that their token has
//! expired. Each would be given the same successor, but one call does for all.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use platform::{
    Fatal,
    request_id::RequestContext,
    server::spawn,
    status::{self, Reason},
};
use tokio::time::timeout;
use tonic::Status;
use tracing::{Instrument, Span};

use super::refusal;
use crate::{
    call::{Call, Upstreams},
    route::{Found, Route, Table},
    transcode::{self, Given, Issued},
};

const WITHIN: Duration = Duration::from_secs(2);

/// Exchanges refresh tokens.
#[derive(Clone)]
pub(super) struct Refresher {
    route: Arc<Route>,
    upstreams: Upstreams,
    flights: Arc<Mutex<HashMap<String, Flight>>>,
}

/// What came of an exchange.
#[derive(Clone)]
pub(super) enum Refreshed {
    /// These are the new tokens.
    Renewed(Arc<[Issued]>),
    /// The token is not good any more.
    Refused,
    /// Nobody knows.
    Unreachable(Status),
}

/// Takes a flight off the list when it has ended, one way or another.
struct Landing {
    flights: Arc<Mutex<HashMap<String, Flight>>>,
    token: String,
}

type Flight = Shared<BoxFuture<'static, Refreshed>>;

// === impl Refresher ===

impl Refresher {
    /// Finds the one method that takes a refresh token and gives another.
    pub(super) fn find(table: &Table, upstreams: Upstreams) -> Result<Option<Self>, Fatal> {
        let mut routes = table.routes().filter(|route| route.rpc.is_refresh());
        let Some(route) = routes.next() else { return Ok(None) };
        if let Some(other) = routes.find(|other| other.rpc.path != route.rpc.path) {
            let paths = (&route.rpc.path, &other.rpc.path);
            return Err(Fatal::Contract(format!("both {} and {} refresh", paths.0, paths.1)));
        }
        let flights = Arc::default();
        Ok(Some(Self { route: Arc::clone(route), upstreams, flights }))
    }

    /// Exchanges a token, or waits for the exchange that is under way.
    pub(super) async fn refresh(&self, token: &str) -> Refreshed {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            let flight = flights.entry(token.to_owned()).or_insert_with(|| self.take_off(token));
            flight.clone()
        };
        flight.await
    }

    /// Begins an exchange on a task of its own: whoever asked may be gone before
    /// the answer is there, and others still wait for it.
    fn take_off(&self, token: &str) -> Flight {
        let this = self.clone();
        let landing = Landing { flights: Arc::clone(&self.flights), token: token.to_owned() };
        let work = async move { this.exchange(&landing.token).await };
        let work = work.instrument(Span::current());
        let task = match RequestContext::current() {
            // Whoever asked first may be in a hurry; the others need not be.
            Some(context) => spawn(RequestContext { deadline: None, ..context }.scope(work)),
            None => spawn(work),
        };
        let landed = task.map(|ended| {
            ended.unwrap_or_else(|error| Refreshed::Unreachable(status::internal(&error)))
        });
        landed.boxed().shared()
    }

    /// Asks in a time that leaves some for the request itself.
    async fn ask(&self, message: Bytes) -> Result<Bytes, Status> {
        let call = self.upstreams.call(Call::new(&self.route.rpc, message));
        match timeout(WITHIN, call).await {
            Ok(answer) => answer.map(|answered| answered.message),
            Err(_elapsed) => Err(status::refuse_until(Reason::UNAVAILABLE, WITHIN)),
        }
    }

    async fn exchange(&self, token: &str) -> Refreshed {
        let found = Found { route: &self.route, path: Vec::new() };
        let given = Given { query: None, body: b"", credential: &|_| Some(token) };
        // Nothing in it comes from a client but the token, so nothing can be wrong.
        let Ok(message) = transcode::request(&found, given) else { return Refreshed::Refused };
        let answer = self.ask(message).await;
        match answer.and_then(|reply| transcode::reply(&self.route, reply)) {
            Ok(reply) => Refreshed::Renewed(reply.credentials.into()),
            Err(status) => match refusal(&self.route.rpc, &status) {
                Some(_) => Refreshed::Refused,
                None => Refreshed::Unreachable(status),
            },
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.token);
    }
}

impl fmt::Debug for Refresher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresher").field("route", &self.route.template).finish_non_exhaustive()
    }
}
