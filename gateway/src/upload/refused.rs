//! Why a file is not taken.

use std::time::Duration;

use platform::status::Reason;

use crate::problem::Problem;

/// Why a file is not taken. What is left of it is not wanted either.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    #[error("too slow")]
    TooSlow,
    #[error("broken off")]
    Broken,
    #[error("a form that {0}")]
    Form(&'static str),
    #[error("over the quota")]
    OverQuota(Duration),
    #[error("not taken by the service")]
    Stalled,
}

impl From<Refused> for Box<Problem> {
    fn from(refused: Refused) -> Self {
        let problem = match refused {
            Refused::TooLarge(limit) => Problem::of(Reason::PAYLOAD_TOO_LARGE)
                .detail(format!("the body is larger than {limit} bytes; send less")),
            Refused::TooSlow => Problem::of(Reason::REQUEST_TIMEOUT),
            Refused::Broken => Problem::of(Reason::MALFORMED_REQUEST)
                .detail("the body ended before it was complete"),
            Refused::Form(problem) => Problem::of(Reason::MALFORMED_REQUEST)
                .detail(format!("the form {problem}; send one part, which is a file")),
            Refused::OverQuota(wait) => Problem::of(Reason::QUOTA_EXCEEDED).retry_after(wait),
            Refused::Stalled => Problem::of(Reason::DEADLINE_EXCEEDED),
        };
        problem.end_connection()
    }
}
