//! Budgets in a Redis or Valkey server, shared by every process of one name.
//!
//! A limiter that cannot be asked must not stop anybody: then each process counts
//! for itself, and asks again after a while.

use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use opentelemetry::metrics::Counter;
use proto::options::v1::RateClass;
use redis::{
    Client, RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::time::timeout;

use super::{Payer, Rate, Taken, class_name};
use crate::telemetry::limit_store_failures;

/// What a request may wait for its budget; a server nearby takes less than 1 ms.
const WITHIN: Duration = Duration::from_millis(100);
/// How long we count for ourselves before we ask again.
const BEFORE_NEXT_TRY: Duration = Duration::from_secs(1);

/// The address of a server: `redis://:password@host:6379/0`.
#[derive(Clone)]
pub struct Store(Client);

/// What is wrong with the address of a server. It may hold a password and is not
/// repeated.
#[derive(Debug, thiserror::Error)]
#[error("must be an address such as redis://:password@localhost:6379/0")]
pub struct InvalidStore;

/// The budgets in a server.
pub(super) struct Shared {
    process: &'static str,
    client: Client,
    script: Script,
    connection: Mutex<Connection>,
    failures: Counter<u64>,
}

/// The connection, and until when it is left alone.
#[derive(Default)]
struct Connection {
    manager: Option<ConnectionManager>,
    is_failing: bool,
    rests_until: Option<Instant>,
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("no answer within {WITHIN:?}")]
    Late,
    #[error(transparent)]
    Redis(#[from] RedisError),
}

// === impl Store ===

impl FromStr for Store {
    type Err = InvalidStore;

    fn from_str(url: &str) -> Result<Self, InvalidStore> {
        Client::open(url).map(Self).map_err(|_may_hold_a_password| InvalidStore)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    pub(super) fn new(process: &'static str, store: &Store) -> Self {
        let meter = opentelemetry::global::meter("mainstay");
        Self {
            process,
            client: store.0.clone(),
            script: Script::new(include_str!("take.lua")),
            connection: Mutex::default(),
            failures: meter.u64_counter(limit_store_failures(process)).build(),
        }
    }

    /// Takes one request from a budget; none if the server does not say.
    pub(super) async fn take(&self, class: RateClass, payer: Payer, rate: Rate) -> Option<Taken> {
        let manager = self.manager()?;
        let asked = timeout(WITHIN, self.ask(manager, class, payer, rate)).await;
        let answer = asked.unwrap_or(Err(Failed::Late));
        self.note(answer.as_ref().err());
        answer.ok()
    }

    async fn ask(
        &self,
        mut manager: ConnectionManager,
        class: RateClass,
        payer: Payer,
        rate: Rate,
    ) -> Result<Taken, Failed> {
        let key = format!("mainstay:limit:{}:{}:{payer}", self.process, class_name(class));
        let interval = u64::try_from(rate.interval().as_micros()).unwrap_or(u64::MAX).max(1);
        let mut call = self.script.key(key);
        let call = call.arg(rate.quota.get()).arg(interval);
        let (allowed, remaining, wait): (u8, u32, u64) = call.invoke_async(&mut manager).await?;
        Ok(Taken { is_allowed: allowed == 1, remaining, wait: Duration::from_micros(wait) })
    }

    /// The connection, made when it is first needed; none while it rests.
    fn manager(&self) -> Option<ConnectionManager> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.rests_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        if connection.manager.is_none() {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(WITHIN))
                .set_response_timeout(Some(WITHIN))
                .set_number_of_retries(1);
            let manager = ConnectionManager::new_lazy_with_config(self.client.clone(), config);
            connection.manager = manager.ok();
        }
        connection.manager.clone()
    }

    /// Says so when the server fails, and when it does not any more; once each.
    fn note(&self, failed: Option<&Failed>) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        match failed {
            Some(error) => {
                self.failures.add(1, &[]);
                if !connection.is_failing {
                    tracing::warn!(%error, "the store of limits fails: each process counts for itself");
                }
                connection.rests_until = Some(Instant::now() + BEFORE_NEXT_TRY);
            }
            None if connection.is_failing => tracing::info!("the store of limits answers again"),
            None => {}
        }
        connection.is_failing = failed.is_some();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("process", &self.process).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_repeated() {
        let told = "redis://:hunter2@[".parse::<Store>().unwrap_err().to_string();
        assert!(!told.contains("hunter2"), "{told}");
        let store: Store = "redis://:hunter2@localhost:6379/0".parse().unwrap();
        assert!(!format!("{store:?}").contains("hunter2"));
    }
}
