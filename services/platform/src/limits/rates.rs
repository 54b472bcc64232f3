//! How many requests of each class are allowed: `read=600/60s,write=off`.

use std::{num::NonZeroU32, str::FromStr, time::Duration};

use proto::options::v1::RateClass;

const MOST_REQUESTS: u32 = 1_000_000;
const LONGEST_WINDOW: u64 = 24 * 60 * 60;

/// So many requests in so many seconds; all of them at once if one likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub quota: NonZeroU32,
    /// In how many seconds.
    pub window_seconds: NonZeroU32,
}

/// The rate of each class; a class without one has no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    read: Option<Rate>,
    write: Option<Rate>,
    sign_in: Option<Rate>,
    upload: Option<Rate>,
}

/// What is wrong with the rates.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a limit; write `read=600/60s,write=60/60s,sign-in=20/60s,upload=20/60s`, \
     or `off` instead of a limit; at most 1000000 requests in at most 86400s"
)]
pub struct InvalidRate(String);

/// The name of a class in settings, headers and metrics.
pub fn class_name(class: RateClass) -> &'static str {
    match class {
        RateClass::Unspecified | RateClass::Read => "read",
        RateClass::Write => "write",
        RateClass::SignIn => "sign-in",
        RateClass::Upload => "upload",
    }
}

// === impl Rate ===

impl Rate {
    const fn new(quota: u32, window_seconds: u32) -> Option<Self> {
        match (NonZeroU32::new(quota), NonZeroU32::new(window_seconds)) {
            (Some(quota), Some(window_seconds)) => Some(Self { quota, window_seconds }),
            _ => None,
        }
    }

    /// The window.
    pub fn window(self) -> Duration {
        Duration::from_secs(self.window_seconds.get().into())
    }

    /// After how long one more request is allowed.
    pub(super) fn interval(self) -> Duration {
        self.window() / self.quota.get()
    }
}

impl FromStr for Rate {
    type Err = ();

    /// Reads `600/60s`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (quota, window) = text.split_once('/').ok_or(())?;
        let window = window.strip_suffix('s').ok_or(())?;
        let rate = Self {
            quota: quota.parse().map_err(|_malformed| ())?,
            window_seconds: window.parse().map_err(|_malformed| ())?,
        };
        let is_usable = rate.quota.get() <= MOST_REQUESTS
            && u64::from(rate.window_seconds.get()) <= LONGEST_WINDOW;
        if is_usable { Ok(rate) } else { Err(()) }
    }
}

// === impl Rates ===

impl Rates {
    pub(super) const OFF: Self = Self { read: None, write: None, sign_in: None, upload: None };

    /// The rate of a class; none if it has no limit.
    pub fn of(&self, class: RateClass) -> Option<Rate> {
        match class {
            RateClass::Unspecified | RateClass::Read => self.read,
            RateClass::Write => self.write,
            RateClass::SignIn => self.sign_in,
            RateClass::Upload => self.upload,
        }
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<Rate>> {
        match name {
            "read" => Some(&mut self.read),
            "write" => Some(&mut self.write),
            "sign-in" => Some(&mut self.sign_in),
            "upload" => Some(&mut self.upload),
            _ => None,
        }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            read: Rate::new(600, 60),
            write: Rate::new(60, 60),
            sign_in: Rate::new(20, 60),
            upload: Rate::new(20, 60),
        }
    }
}

impl FromStr for Rates {
    type Err = InvalidRate;

    /// Reads the limits of some classes; the others keep their defaults.
    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let mut rates = Self::default();
        for limit in text.split(',').map(str::trim).filter(|limit| !limit.is_empty()) {
            let invalid = || InvalidRate(limit.to_owned());
            if limit == "off" {
                rates = Self::OFF;
                continue;
            }
            let (name, rate) = limit.split_once('=').ok_or_else(invalid)?;
            let slot = rates.slot(name).ok_or_else(invalid)?;
            *slot = match rate {
                "off" => None,
                rate => Some(rate.parse().map_err(|()| invalid())?),
            };
        }
        Ok(rates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_that_are_not_named_keep_their_limits() {
        let rates: Rates = "read=10/1s, sign-in=off".parse().unwrap();
        assert_eq!(rates.of(RateClass::Read), Rate::new(10, 1));
        assert_eq!(rates.of(RateClass::SignIn), None);
        assert_eq!(rates.of(RateClass::Write), Rates::default().of(RateClass::Write));
        assert_eq!("".parse(), Ok(Rates::default()));
        let but_one: Rates = "off, write=5/1s".parse().unwrap();
        assert_eq!(
            (but_one.of(RateClass::Read), but_one.of(RateClass::Write)),
            (None, Rate::new(5, 1))
        );
    }

    #[test]
    fn what_is_no_limit_is_told_and_named() {
        for bad in [
            "read",
            "reads=1/1s",
            "read=1",
            "read=0/1s",
            "read=1/0s",
            "read=1/1m",
            "read=-1/1s",
            "read=1000001/1s",
            "read=1/86401s",
        ] {
            let told = format!("upload=off,{bad}").parse::<Rates>().unwrap_err().to_string();
            assert!(told.starts_with(&format!("`{bad}` is not a limit")), "{told}");
        }
    }
}
