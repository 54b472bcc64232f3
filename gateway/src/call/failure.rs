//! Why a call came to nothing: what the service said, or that it said nothing.

use std::error::Error;

use platform::status::{self, Reason};
use tonic::{Code, ConnectError, Status};

/// Why a call came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The service answered so, or the time was up.
    Told(Status),
    /// The connection could not be made, or broke.
    Broken {
        /// What the client is told.
        status: Status,
        /// Whether the service cannot have seen the call.
        is_unsent: bool,
    },
    /// The service was left alone.
    Spared(Status),
}

// === impl Failure ===

impl Failure {
    /// A status has a source when no service sent it: the connection failed. tonic
    /// gives those many codes, and CANCELLED to an expired deadline.
    pub(super) fn of(status: Status) -> Self {
        if status.code() == Code::Cancelled && status.message() == "Timeout expired" {
            Self::late()
        } else if status.source().is_some() {
            Self::Broken { is_unsent: is_unsent(&status), status: status::unavailable(&status) }
        } else {
            Self::Told(status)
        }
    }

    /// There was no answer in time.
    pub(super) fn late() -> Self {
        Self::Told(status::refuse(Reason::DEADLINE_EXCEEDED))
    }

    /// What the client is told.
    pub(super) fn into_status(self) -> Status {
        match self {
            Self::Told(status) | Self::Broken { status, .. } | Self::Spared(status) => status,
        }
    }
}

/// Whether there was no connection that a call could have been sent over.
fn is_unsent(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn broken_connections_and_late_answers_are_told_from_refusals() {
        let with_source = |error: Arc<dyn Error + Send + Sync>| {
            let mut status = Status::new(Code::Unknown, "transport error");
            status.set_source(error);
            Failure::of(status)
        };
        let reset = with_source(Arc::new(std::io::Error::other("reset")));
        assert!(matches!(&reset, Failure::Broken { is_unsent: false, .. }), "{reset:?}");
        assert_eq!(reset.into_status().code(), Code::Unavailable);
        let unreached = with_source(Arc::new(ConnectError("refused".into())));
        assert!(matches!(&unreached, Failure::Broken { is_unsent: true, .. }), "{unreached:?}");
        let late = Failure::of(Status::cancelled("Timeout expired")).into_status();
        assert_eq!(late.code(), Code::DeadlineExceeded);
        let refused = Failure::of(status::refuse(Reason::NOT_FOUND));
        assert!(matches!(&refused, Failure::Told(_)), "{refused:?}");
        assert_eq!(refused.into_status().code(), Code::NotFound);
    }
}
