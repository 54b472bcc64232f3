//! Threads that hash. They step back for everything else: somebody who reads takes a
//! millisecond of the machine and should not wait for those who sign in, who take
//! many.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
};

use platform::server::work_aside;
use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// The threads; they end with the last copy of this.
#[derive(Clone, Debug)]
pub(super) struct Workers(Sender<Work>);

/// The work panicked, which is never the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("hashing panicked")]
pub(super) struct Panicked;

// === impl Workers ===

impl Workers {
    /// Starts so many threads.
    pub(super) fn new(count: usize) -> Self {
        let (queue, work) = mpsc::channel();
        let work = Arc::new(Mutex::new(work));
        for _ in 0..count {
            let work = Arc::clone(&work);
            work_aside(move || {
                step_back();
                while let Some(work) = next(&work) {
                    work();
                }
            });
        }
        Self(queue)
    }

    /// Has one of them do some work; it is done even if nobody waits for it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Panicked> {
        let (told, tells) = oneshot::channel();
        let work = move || {
            // Who waited may have left; whoever panics has said so already.
            if let Ok(done) = catch_unwind(AssertUnwindSafe(work)) {
                drop(told.send(done));
            }
        };
        self.0.send(Box::new(work)).map_err(|_ended| Panicked)?;
        tells.await.map_err(|_dropped| Panicked)
    }
}

fn next(work: &Mutex<Receiver<Work>>) -> Option<Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Others come first, but not always: a tenth of a core is left when all are busy.
/// Elsewhere than on Linux a priority is that of the whole process.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 10) {
        tracing::debug!(%error, "threads that hash are as urgent as any");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_and_a_panic_ends_nobody_else() {
        let workers = Workers::new(1);
        assert_eq!(workers.run(|| 4 + 7).await.unwrap(), 11);
        workers.run(|| panic!("on purpose")).await.unwrap_err();
        assert_eq!(workers.run(|| 4 + 8).await.unwrap(), 12);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn they_step_back_and_nobody_else_does() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        assert_eq!(Workers::new(1).run(priority).await.unwrap(), priority() + 10);
    }
}
