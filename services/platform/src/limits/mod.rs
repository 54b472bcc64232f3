//! How much of us one caller may use, and what is given up when all together want
//! more than there is.
//!
//! Budgets of requests belong to a class of methods and to whoever makes them: a
//! user whose token was verified, otherwise an address. Nothing that a caller
//! makes up opens a new budget.

mod forwarded;
mod local;
mod payer;
mod proxies;
mod rates;
mod settings;
mod shared;
mod shed;
mod standing;

#[cfg(test)]
mod conformance;

use std::{sync::Arc, time::Duration};

use opentelemetry::{KeyValue, metrics::Counter};
use proto::options::v1::RateClass;

pub use self::{
    forwarded::Client,
    payer::Payer,
    proxies::{InvalidNetwork, Proxies},
    rates::{InvalidRate, Rate, Rates, class_name},
    settings::Settings,
    shared::{InvalidStore, Store},
    shed::PUSH_BACK,
    shed::{Load, Overloaded, Permit, Shedder},
    standing::Standing,
};
pub(crate) use self::{forwarded::Forwarded, proxies::X_FORWARDED_FOR, shed::Shed};
use self::{local::Local, shared::Shared};
use crate::telemetry::{RATE_CLASS, rate_limited};

/// The budgets of everybody. Clones share them.
#[derive(Clone, Debug)]
pub struct Limits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rates: Rates,
    local: Local,
    shared: Option<Shared>,
    refused: Counter<u64>,
}

/// What was taken from a budget, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Taken {
    is_allowed: bool,
    /// How many more may follow at once.
    remaining: u32,
    /// How long until one more may follow; zero if that is now.
    wait: Duration,
}

// === impl Limits ===

impl Limits {
    /// Opens the budgets of a process. Those in a shared store belong to all
    /// processes of this name together.
    pub fn new(process: &'static str, settings: &Settings) -> Self {
        let meter = opentelemetry::global::meter("mainstay");
        Self(Arc::new(Inner {
            rates: settings.rates,
            local: Local::new(&settings.rates),
            shared: settings.store.as_ref().map(|store| Shared::new(process, store)),
            refused: meter.u64_counter(rate_limited(process)).build(),
        }))
    }

    /// No limits at all.
    pub fn off() -> Self {
        Self::new("none", &Settings::off())
    }

    /// Takes one request from a budget. None if the class has no limit.
    pub async fn take(&self, class: RateClass, payer: Payer) -> Option<Standing> {
        let Inner { rates, local, shared, refused } = &*self.0;
        let rate = rates.of(class)?;
        let elsewhere = match shared {
            Some(shared) => shared.take(class, payer, rate).await,
            None => None,
        };
        let taken = elsewhere.or_else(|| local.take(class, payer))?;
        if !taken.is_allowed {
            refused.add(1, &[KeyValue::new(RATE_CLASS, class_name(class))]);
        }
        Some(Standing::new(class, rate, taken))
    }
}
