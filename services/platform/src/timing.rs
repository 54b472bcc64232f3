//! Where the time of a request went, for whoever builds on the product: the
//! `Server-Timing` header (W3C Server Timing) and metadata of the same name.
//!
//! It is told by processes that are set to tell it, in development. For all others
//! nothing is measured: times say more to strangers than they need to know.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header and metadata key that tells times.
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// More parts than that tell nobody anything.
const MOST_PARTS: usize = 16;

tokio::task_local! {
    static CURRENT: Timings;
}

/// The times of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timings(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    parts: Vec<Part>,
    /// What other processes told, as they wrote it.
    others: Vec<HeaderValue>,
}

/// A measurement under way.
#[derive(Debug)]
pub struct Stopwatch {
    name: &'static str,
    started: Instant,
}

#[derive(Debug)]
struct Part {
    name: &'static str,
    /// What is counted, if the number says something.
    counted: Option<&'static str>,
    times: u32,
    took: Duration,
}

/// Measures a part of the request that is served. Parts of one name are added up;
/// one that is not stopped is not told.
#[must_use]
pub fn start(name: &'static str) -> Stopwatch {
    Stopwatch { name, started: Instant::now() }
}

/// Adds one of something: `note_one("db", "queries", …)`.
pub fn note_one(name: &'static str, counted: &'static str, took: Duration) {
    note(name, Some(counted), took);
}

/// Passes on what another process told about its part of the request.
pub fn pass_on(metadata: &HeaderMap) {
    let pass = |timings: &Timings| {
        let mut told = timings.told();
        let room = MOST_PARTS.saturating_sub(told.others.len());
        told.others.extend(metadata.get_all(SERVER_TIMING).iter().take(room).cloned());
    };
    // Without timings nobody asked.
    CURRENT.try_with(pass).unwrap_or_default();
}

fn note(name: &'static str, counted: Option<&'static str>, took: Duration) {
    CURRENT.try_with(|timings| timings.add(name, counted, took)).unwrap_or_default();
}

// === impl Stopwatch ===

impl Stopwatch {
    /// The part has ended.
    pub fn stop(self) {
        note(self.name, None, self.started.elapsed());
    }
}

// === impl Timings ===

impl Timings {
    /// Serves a request: what is measured in `work` is added to these.
    pub(crate) async fn scope<T>(&self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), work).await
    }

    /// The header, which begins with the whole.
    pub(crate) fn header(&self, whole: &'static str, took: Duration) -> Option<HeaderValue> {
        let told = self.told();
        let mut text = format!("{whole};dur={}", milliseconds(took));
        for Part { name, counted, times, took } in &told.parts {
            let counted = counted.map(|counted| format!(";desc=\"{counted}={times}\""));
            let counted = counted.unwrap_or_default();
            // Writing to a string does not fail.
            write!(text, ", {name}{counted};dur={}", milliseconds(*took)).unwrap_or_default();
        }
        for other in told.others.iter().filter_map(|other| other.to_str().ok()) {
            write!(text, ", {other}").unwrap_or_default();
        }
        HeaderValue::try_from(text).ok()
    }

    fn add(&self, name: &'static str, counted: Option<&'static str>, took: Duration) {
        let parts = &mut self.told().parts;
        if let Some(part) = parts.iter_mut().find(|part| part.name == name) {
            part.times = part.times.saturating_add(1);
            part.took += took;
        } else if parts.len() < MOST_PARTS {
            parts.push(Part { name, counted, times: 1, took });
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hundredths are enough.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 100_000.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_are_added_up_and_told_in_their_order() {
        let timings = Timings::default();
        let one = Duration::from_millis(1);
        let work = async {
            note_one("db", "queries", one);
            note_one("db", "queries", one);
            note("call", None, one / 3);
            let told = HeaderValue::from_static("auth;dur=2");
            pass_on(&[(SERVER_TIMING, told)].into_iter().collect());
            start("work").stop();
            drop(start("nothing"));
        };
        timings.scope(work).await;
        let header = timings.header("content", one * 5).unwrap();
        let text = header.to_str().unwrap();
        let start = "content;dur=5, db;desc=\"queries=2\";dur=2, call;dur=0.33, work;dur=";
        assert!(text.starts_with(start) && text.ends_with(", auth;dur=2"), "{text}");
    }

    #[test]
    fn nothing_is_measured_where_nothing_is_told() {
        note_one("db", "queries", Duration::ZERO);
        pass_on(&HeaderMap::new());
        start("work").stop();
        let timings = Timings::default();
        assert_eq!(timings.header("auth", Duration::ZERO).unwrap(), "auth;dur=0");
    }
}
