//! When to ask for a certificate: in good time, and not too often.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{sleep, timeout};

use super::{
    Issuer,
    order::{self, Error},
};
use crate::tls::{
    crypto,
    identity::{Identity, Validity},
};

/// Clocks are set and machines sleep, so we look again at least this often.
const LONGEST_NAP: Duration = Duration::from_hours(1);
/// While another process asks for the certificate that we need, too.
const WHILE_ANOTHER_ASKS: Duration = Duration::from_secs(5);
const ATTEMPT_WITHIN: Duration = Duration::from_mins(5);
/// An authority that is not reached may be there in a moment.
const UNREACHED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(10));
/// Let's Encrypt takes five refusals of a name in an hour.
const REFUSED: (Duration, Duration) = (Duration::from_mins(2), Duration::from_hours(6));

/// Any part of the time by which renewals are spread.
pub(super) fn any_jitter() -> f64 {
    let mut byte = [0];
    // Without random numbers all renew in the same minute, which is no harm.
    if aws_lc_rs::rand::fill(&mut byte).is_err() {
        tracing::debug!("no random numbers");
    }
    f64::from(byte[0]) / 256.0
}

// === impl Issuer ===

impl Issuer {
    /// Gets a certificate when it is time to, for ever.
    pub(in crate::tls) async fn run(self) {
        let (mut refusals, mut misses) = (0, 0);
        loop {
            let left = self.left();
            if !left.is_zero() {
                sleep(left.min(LONGEST_NAP)).await;
                continue;
            }
            match self.attempt().await {
                Ok(true) => {
                    (refusals, misses) = (0, 0);
                    tracing::info!(domains = ?self.settings.domains, "got a certificate");
                    self.nudge.notify_one();
                }
                Ok(false) => sleep(WHILE_ANOTHER_ASKS).await,
                Err(error) => {
                    let failures = if error.is_refusal() { &mut refusals } else { &mut misses };
                    let pause = pause(&error, *failures, self.jitter);
                    *failures += 1;
                    tracing::warn!(
                        %error,
                        next_try_seconds = pause.as_secs(),
                        "no certificate for {}",
                        self.settings.domains.join(", ")
                    );
                    sleep(pause).await;
                }
            }
        }
    }

    /// Asks for a certificate, unless another process does.
    async fn attempt(&self) -> Result<bool, Error> {
        let Some(_lock) = self.store.lock()? else { return Ok(false) };
        // The other one may have just finished.
        if !self.left().is_zero() {
            return Ok(true);
        }
        if let Some(name) = self.kept().and_then(|it| it.lacks(&self.settings.domains)) {
            tracing::warn!(name, "the certificate that is served is not for {name}");
        }
        let attempt = timeout(ATTEMPT_WITHIN, order::obtain(&self.settings, &self.store));
        attempt.await.unwrap_or(Err(Error::Unreachable(instant_acme::Error::Timeout(None))))?;
        Ok(true)
    }

    /// The time until a new certificate is needed.
    fn left(&self) -> Duration {
        let fits = |it: &Identity| it.lacks(&self.settings.domains).is_none();
        let kept = self.kept().filter(fits);
        kept.map_or(Duration::ZERO, |it| left(it.validity, Timestamp::now(), self.jitter))
    }

    /// The certificate that is there.
    fn kept(&self) -> Option<Identity> {
        let [chain, key] = self.settings.pair().map(|file| file.read().ok());
        Identity::read(&chain?, &key?, &crypto()).ok()
    }
}

/// Two thirds of its life a certificate is left alone, and up to a thirtieth more.
fn left(validity: Validity, now: Timestamp, jitter: f64) -> Duration {
    let life = Duration::from_secs(validity.seconds().unsigned_abs());
    let due = life.mul_f64(2.0 / 3.0 + jitter / 30.0);
    let now = u64::try_from(now.as_second().saturating_sub(validity.from)).unwrap_or_default();
    due.saturating_sub(Duration::from_secs(now))
}

/// The time until the next try: twice as long after each, and not the same for all.
fn pause(error: &Error, failures: u32, jitter: f64) -> Duration {
    let (first, longest) = if error.is_refusal() { REFUSED } else { UNREACHED };
    first.saturating_mul(2_u32.saturating_pow(failures)).min(longest).mul_f64(1.0 + jitter / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60;

    #[test]
    fn renewed_after_two_thirds_of_a_life() {
        let validity = Validity { from: 1_000, until: 1_000 + 90 * DAY };
        let at = |seconds| Timestamp::from_second(1_000 + seconds).unwrap();
        let days = |duration: Duration| duration.as_secs() / DAY.unsigned_abs();
        assert_eq!(days(left(validity, at(0), 0.0)), 60);
        assert_eq!(days(left(validity, at(0), 1.0)), 63);
        assert_eq!(days(left(validity, at(59 * DAY), 0.0)), 1);
        assert_eq!(left(validity, at(61 * DAY), 0.0), Duration::ZERO);
        assert_eq!(left(validity, at(91 * DAY), 1.0), Duration::ZERO);
        // A clock behind that of the authority.
        assert_eq!(days(left(validity, at(-DAY), 0.0)), 60);
    }

    #[test]
    fn an_authority_that_refuses_is_left_alone() {
        let refused = Error::Refused(String::new());
        let unreached = Error::Unreachable(instant_acme::Error::Timeout(None));
        let in_an_hour = |error: &Error| {
            let pauses = (0..100).map(|failures| pause(error, failures, 0.0));
            let mut at = Duration::ZERO;
            pauses
                .take_while(|pause| {
                    at += *pause;
                    at < Duration::from_hours(1)
                })
                .count()
                + 1
        };
        assert_eq!(in_an_hour(&refused), 5);
        assert_eq!(pause(&unreached, 0, 0.0), Duration::from_secs(1));
        assert_eq!(pause(&unreached, 50, 0.0), Duration::from_mins(10));
        assert_eq!(pause(&refused, 50, 0.0), Duration::from_hours(6));
        assert!(pause(&refused, 0, 0.9) > pause(&refused, 0, 0.1));
    }
}
