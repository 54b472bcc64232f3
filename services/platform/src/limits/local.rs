//! Budgets in the memory of this process, as many as there is room for.

use std::{sync::Arc, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore},
};
use moka::{policy::EvictionPolicy, sync::Cache};
use proto::options::v1::RateClass;

use super::{Payer, Rate, Rates, Taken};

/// Of each class. When somebody floods us from more addresses, those that were
/// quiet longest get a new budget.
const MOST_PAYERS: u64 = 50_000;

type Limiter = RateLimiter<Payer, Bounded, DefaultClock, StateInformationMiddleware>;

/// The budgets of each class.
pub(super) struct Local {
    read: Option<Limiter>,
    write: Option<Limiter>,
    sign_in: Option<Limiter>,
    upload: Option<Limiter>,
}

/// The state of each payer, until it was not used for long enough to be full.
struct Bounded(Cache<Payer, Arc<InMemoryState>>);

// === impl Local ===

impl Local {
    pub(super) fn new(rates: &Rates) -> Self {
        let limiter = |class| rates.of(class).and_then(limiter);
        Self {
            read: limiter(RateClass::Read),
            write: limiter(RateClass::Write),
            sign_in: limiter(RateClass::SignIn),
            upload: limiter(RateClass::Upload),
        }
    }

    /// Takes one request from a budget; none if the class has no limit.
    pub(super) fn take(&self, class: RateClass, payer: Payer) -> Option<Taken> {
        let limiter = match class {
            RateClass::Unspecified | RateClass::Read => &self.read,
            RateClass::Write => &self.write,
            RateClass::SignIn => &self.sign_in,
            RateClass::Upload => &self.upload,
        };
        let limiter = limiter.as_ref()?;
        Some(match limiter.check_key(&payer) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                // When exactly the next one is allowed is not told; no later than this.
                let wait = if remaining == 0 {
                    state.quota().replenish_interval()
                } else {
                    Duration::ZERO
                };
                Taken { is_allowed: true, remaining, wait }
            }
            Err(until) => {
                let wait = until.wait_time_from(limiter.clock().now());
                Taken { is_allowed: false, remaining: 0, wait }
            }
        })
    }
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

fn limiter(rate: Rate) -> Option<Limiter> {
    let quota = Quota::with_period(rate.interval())?.allow_burst(rate.quota);
    let states = Cache::builder()
        .max_capacity(MOST_PAYERS)
        // The default policy keeps out newcomers, who would then never be counted.
        .eviction_policy(EvictionPolicy::lru())
        .time_to_idle(rate.window())
        .build();
    Some(Limiter::new(quota, Bounded(states), DefaultClock::default()))
}

// === impl Bounded ===

impl StateStore for Bounded {
    type Key = Payer;

    fn measure_and_replace<T, F, E>(&self, payer: &Payer, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let state = self.0.get_with(*payer, Arc::default);
        state.measure_and_replace(&NotKeyed::NonKey, measure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Client;

    #[test]
    fn however_many_addresses_come_memory_is_bounded() {
        let local = Local::new(&"read=5/60s".parse().unwrap());
        let most = u32::try_from(MOST_PAYERS).unwrap();
        let payer = |number: u32| {
            let address = std::net::Ipv4Addr::from_bits(number);
            Payer::of(RateClass::Read, None, Some(Client::peer(address.into())))
        };
        for number in 0..most + 20_000 {
            assert!(local.take(RateClass::Read, payer(number)).unwrap().is_allowed);
        }
        // The newest are known, the oldest are not any more.
        let newest = local.take(RateClass::Read, payer(most + 19_999)).unwrap();
        assert_eq!(newest.remaining, 3);
        assert_eq!(local.take(RateClass::Read, payer(0)).unwrap().remaining, 4);
    }
}
