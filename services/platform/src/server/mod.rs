//! Serving: one accept loop, one set of layers and one graceful end for every
//! process. Nothing else in the product spawns a task.

mod accept;
mod admin;
mod deadline;
mod early;
mod grpc;
mod guard;
mod listen;
mod observe;
mod process;
mod settings;
mod stop;
mod timed;
mod until;
mod worded;

use tokio::task::{JoinError, JoinHandle};

pub use self::{
    deadline::requested_deadline,
    grpc::Grpc,
    guard::{Paced, Refusal, TooSlow},
    observe::{Kind, Observe, Observed, RouteTemplate, Unlogged},
    process::Process,
    settings::Settings,
    stop::Stopping,
    worded::log_panic,
};

/// Runs a task beside the caller; whoever holds the handle ends it.
pub fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    tokio::spawn(task)
}

/// Runs work that would block the runtime on a thread of its own.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    #[expect(clippy::disallowed_methods, reason = "the one place that leaves the runtime")]
    tokio::task::spawn_blocking(work).await
}

/// Starts a thread that works until it has nothing more to do; the process does not wait
/// for it.
pub fn work_aside(work: impl FnOnce() + Send + 'static) {
    drop(std::thread::spawn(work));
}

#[cfg(test)]
mod tests;
