use platform::status;
use tokio_postgres::error::SqlState;
use tonic::Status;

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
}

// === impl Error ===

impl Error {
    /// The name of the constraint that a statement broke, if it broke one.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Statement(error) => error.as_db_error()?.constraint(),
            Self::Pool(_) | Self::Migration(_) | Self::Config(_) => None,
        }
    }

    /// Whether the same transaction may succeed when it is tried again.
    pub(crate) fn is_retryable(&self) -> bool {
        let code = match self {
            Self::Statement(error) => error.code(),
            Self::Pool(_) | Self::Migration(_) | Self::Config(_) => None,
        };
        let transient = [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED];
        code.is_some_and(|code| transient.contains(&code))
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
            Self::Migration(_) | Self::Config(_) => false,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        if error.is_unavailable() { status::unavailable(&error) } else { status::internal(&error) }
    }
}
