//! What an operator says about limits.

use std::num::NonZeroUsize;

use super::{Proxies, Rates, Store};
use crate::config::Reader;

/// The limits of a process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `MAINSTAY_RATE_LIMITS`: how many requests of each class one caller may make.
    pub rates: Rates,
    /// `MAINSTAY_REDIS_URL`: where budgets are that processes share.
    pub store: Option<Store>,
    /// `MAINSTAY_TRUSTED_PROXIES`: who is believed when they say whom they speak
    /// for. By default the gateway believes nobody, and services, which have the
    /// gateway in front of them, private networks.
    pub proxies: Option<Proxies>,
    /// `MAINSTAY_MAX_IN_FLIGHT`: how many calls a service works on at a time (256), and
    /// how many the gateway makes to each service (128).
    pub in_flight: Option<NonZeroUsize>,
}

// === impl Settings ===

impl Settings {
    /// Reads the settings that every process has.
    pub fn read(reader: &mut Reader) -> Self {
        Self {
            rates: reader.or("MAINSTAY_RATE_LIMITS", Rates::default()),
            store: reader.optional("MAINSTAY_REDIS_URL"),
            proxies: reader.optional("MAINSTAY_TRUSTED_PROXIES"),
            in_flight: reader.optional("MAINSTAY_MAX_IN_FLIGHT"),
        }
    }

    pub(super) fn off() -> Self {
        Self { rates: Rates::OFF, store: None, proxies: None, in_flight: None }
    }
}
