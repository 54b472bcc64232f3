use std::time::Duration;

use platform::{
    seal::Unsealable,
    status::{self, Reason},
};
use tokio_postgres::error::SqlState;
use tonic::Status;

const A_MOMENT: Duration = Duration::from_secs(1);

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection came free, or none could be made.
    #[error("no database connection")]
    Pool(#[from] deadpool_postgres::PoolError),
    /// A statement failed.
    #[error("statement failed")]
    Statement(#[from] tokio_postgres::Error),
    /// A migration failed.
    #[error("migration failed")]
    Migration(#[source] Box<refinery::Error>),
    /// The pool was set up wrong.
    #[error("database configuration: {0}")]
    Config(String),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The first request with the idempotency key is still being done.
    #[error("a request with the idempotency key is being done")]
    InFlight,
    /// A stored reply was sealed with another master key.
    #[error("a stored reply cannot be opened")]
    Sealed(#[from] Unsealable),
    /// A stored reply is not the message that it should be.
    #[error("a stored reply cannot be read")]
    Reply(#[from] prost::DecodeError),
}

// === impl Error ===

impl Error {
    /// The name of the constraint that a statement broke, if it broke one.
    pub fn constraint(&self) -> Option<&str> {
        let Self::Statement(error) = self else { return None };
        error.as_db_error()?.constraint()
    }

    /// Whether the same transaction may succeed when it is tried again.
    pub(crate) fn is_retryable(&self) -> bool {
        let Self::Statement(error) = self else { return false };
        let transient = [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED];
        error.code().is_some_and(|code| transient.contains(&code))
    }

    /// Whether the database, rather than the statement, is at fault.
    fn is_unavailable(&self) -> bool {
        match self {
            Self::Pool(_) => true,
            Self::Statement(error) => {
                let passing = [
                    &SqlState::QUERY_CANCELED,
                    &SqlState::ADMIN_SHUTDOWN,
                    &SqlState::CRASH_SHUTDOWN,
                    &SqlState::CANNOT_CONNECT_NOW,
                    &SqlState::TOO_MANY_CONNECTIONS,
                    &SqlState::LOCK_NOT_AVAILABLE,
                    &SqlState::DISK_FULL,
                ];
                error.is_closed()
                    || self.is_retryable()
                    || error.code().is_none_or(|code| passing.contains(&code))
            }
            Self::Migration(_)
            | Self::Config(_)
            | Self::KeyReused
            | Self::InFlight
            | Self::Sealed(_)
            | Self::Reply(_) => false,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::KeyReused => status::refuse(Reason::IDEMPOTENCY_KEY_REUSED),
            Error::InFlight => status::refuse_until(Reason::IDEMPOTENCY_KEY_IN_FLIGHT, A_MOMENT),
            error if error.is_unavailable() => status::unavailable(&error),
            error => status::internal(&error),
        }
    }
}
