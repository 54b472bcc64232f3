//! How a sign-in that is not even looked at is refused.

use std::time::Duration;

use platform::status::{self, Reason};
use tonic::Status;

use super::Error;

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Crowded(wait) => status::refuse_until(Reason::RATE_LIMITED, wait),
            Error::Busy => status::refuse_until(Reason::TOO_BUSY, Duration::from_secs(1)),
            Error::Ended => status::refuse(Reason::SESSION_ENDED),
            Error::Database(error) => error.into(),
        }
    }
}
