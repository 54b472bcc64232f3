//! Where a caller stands, in the words of clients: `RateLimit-Policy` and
//! `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use proto::options::v1::RateClass;
use tonic::Status;

use super::{Rate, Taken, class_name};
use crate::status::{self, Reason};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// A budget after a request was taken from it, or refused.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    class: RateClass,
    rate: Rate,
    pub(super) taken: Taken,
}

// === impl Standing ===

impl Standing {
    pub(super) fn new(class: RateClass, rate: Rate, taken: Taken) -> Self {
        Self { class, rate, taken }
    }

    /// Goes on, or says when to come again.
    pub fn check(&self) -> Result<(), Status> {
        if self.taken.is_allowed {
            return Ok(());
        }
        Err(status::refuse_until(Reason::RATE_LIMITED, Duration::from_secs(self.seconds())))
    }

    /// Writes the headers of the draft.
    pub fn write(&self, headers: &mut HeaderMap) {
        let (name, Rate { quota, window_seconds }) = (class_name(self.class), self.rate);
        let policy = format!("\"{name}\";q={quota};w={window_seconds}");
        let limit = format!("\"{name}\";r={};t={}", self.taken.remaining, self.seconds());
        for (name, text) in [(POLICY, policy), (LIMIT, limit)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }

    /// The draft's `t`: of an empty budget, the seconds until one more request is
    /// allowed; of any other, those until it is full again.
    fn seconds(&self) -> u64 {
        let Taken { remaining, wait, .. } = self.taken;
        let until = match remaining {
            0 => wait,
            _ => self.rate.interval() * self.rate.quota.get().saturating_sub(remaining),
        };
        until.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;

    fn standing(is_allowed: bool, remaining: u32, wait: u64) -> Standing {
        let rate = "60/60s".parse().unwrap();
        let wait = Duration::from_millis(wait);
        Standing::new(RateClass::SignIn, rate, Taken { is_allowed, remaining, wait })
    }

    fn written(standing: &Standing) -> [String; 2] {
        let mut headers = HeaderMap::new();
        standing.write(&mut headers);
        [POLICY, LIMIT].map(|name| headers[name].to_str().unwrap().to_owned())
    }

    #[test]
    fn budgets_are_told_as_the_draft_says() {
        let full = standing(true, 29, 0);
        assert_eq!(written(&full), ["\"sign-in\";q=60;w=60", "\"sign-in\";r=29;t=31"]);
        assert_eq!(written(&standing(true, 0, 1_001))[1], "\"sign-in\";r=0;t=2");
        full.check().unwrap();
    }

    #[test]
    fn a_refusal_says_when_to_come_again_and_not_too_early() {
        let refused = standing(false, 0, 2_100).check().unwrap_err();
        assert_eq!(status::reason_of(&refused), Some(Reason::RATE_LIMITED));
        let delay = refused.get_details_retry_info().unwrap().retry_delay;
        assert_eq!(delay, Some(Duration::from_secs(3)));
        assert_eq!(written(&standing(false, 0, 2_100))[1], "\"sign-in\";r=0;t=3");
    }
}
