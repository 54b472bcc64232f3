//! Failed sign-ins: counted first and written down in sums, so that an attacker
//! who tries a thousand passwords a second fills neither the log nor anybody's time.
//! Whether an account exists changes nothing but a number in memory.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use database::{Error, Pool, Transaction};
use platform::request_id::RequestContext;
use uuid::Uuid;

use super::{Event, Kind, store::record};

/// At most so many sums between two times of writing; what is more becomes one.
const MOST: usize = 256;

/// Counts failed sign-ins by account and address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures(Arc<Mutex<HashMap<Key, u32>>>);

/// Whose account was tried, if there is one, and from where.
type Key = (Option<Uuid>, Option<IpAddr>);

// === impl Failures ===

impl Failures {
    /// Sums are written down each so many ticks of the chainer: 10 seconds.
    pub(crate) const TICKS: u32 = 20;

    /// Counts a failed sign-in by the client of the present request.
    pub(crate) fn note(&self, subject: Option<Uuid>) {
        let client = RequestContext::current().and_then(|context| context.client);
        let key = (subject, client.map(|client| client.address));
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = sums.len() < MOST || sums.contains_key(&key);
        *sums.entry(if has_room { key } else { (None, None) }).or_default() += 1;
    }

    /// Writes the sums down and begins anew.
    pub(crate) async fn write_down(&self, pool: &Pool) -> Result<(), Error> {
        let sums = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if sums.is_empty() {
            return Ok(());
        }
        let written = pool.transaction(&sums, |transaction, sums| {
            Box::pin(async move {
                for (key, count) in *sums {
                    write_down(transaction, *key, *count).await?;
                }
                Ok(())
            })
        });
        let written = written.await;
        if written.is_err() {
            let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, count) in sums {
                *since.entry(key).or_default() += count;
            }
        }
        written
    }
}

async fn write_down(
    transaction: &Transaction<'_>,
    (subject, address): Key,
    count: u32,
) -> Result<(), Error> {
    let (count, address) = (count.to_string(), address.map(|address| address.to_string()));
    let count = ("count", count.as_str());
    let address = address.as_deref().map(|address| ("address", address));
    let details: Vec<_> = [count].into_iter().chain(address).collect();
    let kind = Kind::SessionRefused;
    let event = Event { kind, actor: None, subject, session: None, details: &details };
    record(transaction, &event).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_failures_takes_little_room_and_is_counted_in_full() {
        let failures = Failures::default();
        for _ in 0..3 {
            failures.note(None);
        }
        for n in 0..10_000 {
            failures.note(Some(Uuid::from_u128(n)));
        }
        let sums = failures.0.lock().unwrap();
        assert!(sums.len() <= MOST + 1, "{}", sums.len());
        assert_eq!(sums.values().sum::<u32>(), 10_003);
    }
}
