//! Finished bytes, kept for everybody who asks the same.
//!
//! Methods whose policy lets anybody keep their answers are asked once for all
//! strangers: the transcoded body is kept under the request's message, and its
//! compressed forms under what they show, so that they outlive it while it does
//! not change. Whoever is signed in, or says to be, is never answered from here.

mod kept;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use moka::{Expiry, future::Cache as Moka};
use opentelemetry::{KeyValue, metrics::Counter};
use platform::telemetry::{GATEWAY_CACHE_REQUESTS, GATEWAY_CACHE_RESULT};
use tonic::{Code, Status};

pub(crate) use self::kept::Finished;
use crate::{
    compress::{Coding, Compressor},
    conditional::{Tag, canonical},
    route::{Route, Rpc},
};

/// What an entry takes besides its bytes, about.
const OVERHEAD: usize = 512;
/// A compressed form is of use for as long as somebody reads what it shows.
const PACKED_UNREAD: Duration = Duration::from_mins(10);

/// The bytes that are kept.
#[derive(Debug)]
pub(crate) struct Cache {
    finished: Moka<Asked, Arc<Finished>>,
    packed: Moka<Packed, Option<Bytes>>,
    compressor: Compressor,
    is_on: bool,
    requests: Counter<u64>,
}

/// What was asked: a route, and the message that the request stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Asked {
    template: Arc<str>,
    message: Vec<u8>,
}

/// What is shown, and how it is coded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Packed {
    template: Arc<str>,
    tag: Tag,
    coding: Coding,
}

/// Each answer is kept for as long as its own method allows.
struct Fresh;

// === impl Cache ===

impl Cache {
    /// Keeps so many bytes at most, half of them plain and half compressed; with
    /// none, nothing is kept.
    pub(crate) fn new(bytes: u64) -> Self {
        let finished = Moka::builder()
            .max_capacity(bytes / 2)
            .weigher(|asked: &Asked, it: &Arc<Finished>| weight(asked.message.len() + it.len()))
            .expire_after(Fresh)
            .build();
        let packed = Moka::builder()
            .max_capacity(bytes / 2)
            .weigher(|_, it: &Option<Bytes>| weight(it.as_ref().map_or(0, Bytes::len)))
            .time_to_idle(PACKED_UNREAD)
            .build();
        let meter = opentelemetry::global::meter("mainstay");
        let requests = meter.u64_counter(GATEWAY_CACHE_REQUESTS).build();
        Self { finished, packed, compressor: Compressor::new(), is_on: bytes > 0, requests }
    }

    /// Compresses what is not kept.
    pub(crate) fn compressor(&self) -> &Compressor {
        &self.compressor
    }

    /// Whether the answers of a method to strangers are kept: the contract lets
    /// anybody keep them, and nothing of them is for one reader.
    pub(crate) fn keeps(&self, rpc: &Rpc) -> bool {
        let is_for_all = rpc.takes.is_empty() && rpc.gives.is_empty();
        self.is_on && rpc.cache_seconds > 0 && !rpc.has_side_effects && is_for_all
    }

    /// The answer that is kept, or the one that `make` gives. However many ask for
    /// the same at once, it is made once: if whoever makes it leaves, another of
    /// them takes over; if it fails, it fails for those who waited, and is tried
    /// again for whoever comes next.
    pub(crate) async fn get<F>(
        &self,
        route: &Route,
        message: &Bytes,
        make: impl Fn() -> F,
    ) -> Result<Arc<Finished>, Status>
    where
        F: Future<Output = Result<Finished, Status>>,
    {
        let Some(message) = canonical(message) else { return make().await.map(Arc::new) };
        let asked = Asked { template: Arc::clone(&route.template), message };
        let mut is_maker = false;
        let work = async {
            is_maker = true;
            make().await.map(Arc::new)
        };
        let answer = self.finished.try_get_with(asked, work).await;
        let result = if is_maker { "miss" } else { "hit" };
        self.requests.add(1, &[KeyValue::new(GATEWAY_CACHE_RESULT, result)]);
        match answer {
            // The time of whoever asked first is not the time of who came last.
            Err(status) if !is_maker && status.code() == Code::DeadlineExceeded => {
                make().await.map(Arc::new)
            }
            answer => answer.map_err(|status| (*status).clone()),
        }
    }

    /// An answer in a coding; none where plain bytes do as well.
    pub(crate) async fn packed(
        &self,
        route: &Route,
        finished: &Finished,
        coding: Coding,
    ) -> Option<Bytes> {
        let tag = finished.shown.tag.clone()?;
        let key = Packed { template: Arc::clone(&route.template), tag, coding };
        let work = self.compressor.thoroughly(coding, finished.json.clone());
        self.packed.get_with(key, work).await
    }
}

fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes + OVERHEAD).unwrap_or(u32::MAX)
}

impl Expiry<Asked, Arc<Finished>> for Fresh {
    fn expire_after_create(
        &self,
        _asked: &Asked,
        finished: &Arc<Finished>,
        _now: std::time::Instant,
    ) -> Option<Duration> {
        Some(finished.fresh_for())
    }

    fn expire_after_update(
        &self,
        _asked: &Asked,
        finished: &Arc<Finished>,
        _now: std::time::Instant,
        _before: Option<Duration>,
    ) -> Option<Duration> {
        Some(finished.fresh_for())
    }
}

#[cfg(test)]
mod tests;
