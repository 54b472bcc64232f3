//! When to stop: on SIGTERM, on Ctrl-C, or when the supervisor lets go of our
//! standard input. Whoever asks twice does not want to wait.

use std::io;

use tokio::{
    io::AsyncReadExt,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use super::spawn;
use crate::fatal::Fatal;

/// How a process is told to end.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop {
    /// Take nothing new and finish what is under way.
    pub(super) graceful: CancellationToken,
    /// End now.
    pub(super) at_once: CancellationToken,
}

/// Tells whoever serves something endless that the process is about to end.
#[derive(Clone, Debug, Default)]
pub struct Stopping(CancellationToken);

// === impl Stopping ===

impl Stopping {
    /// Waits until the process is told to stop.
    pub async fn told(&self) {
        self.0.cancelled().await;
    }
}

// === impl Stop ===

impl Stop {
    /// A stop that somebody else decides on.
    pub(super) fn at(graceful: CancellationToken) -> Self {
        Self { graceful, ..Self::default() }
    }

    /// Listens to signals and, if asked to, to standard input.
    pub(super) fn listen(with_stdin: bool) -> Result<Self, Fatal> {
        let stop = Self::default();
        for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
            let mut signal = signal(kind).map_err(|e| Fatal::unavailable("signals", e))?;
            let told = stop.clone();
            drop(spawn(async move {
                while signal.recv().await.is_some() {
                    told.again();
                }
            }));
        }
        if with_stdin {
            let told = stop.clone();
            let not_a_pipe =
                |error| Fatal::unavailable("standard input, which must be a pipe,", error);
            // A blocking read on a thread of its own would keep the process alive.
            let stdin = stdin_file().and_then(tokio::net::unix::pipe::Receiver::from_file);
            let mut stdin = stdin.map_err(not_a_pipe)?;
            drop(spawn(async move {
                let mut ignored = [0; 64];
                while matches!(stdin.read(&mut ignored).await, Ok(length) if length > 0) {}
                told.graceful.cancel();
            }));
        }
        Ok(stop)
    }

    /// Lets others know, too.
    pub(super) fn stopping(&self) -> Stopping {
        Stopping(self.graceful.clone())
    }

    fn again(&self) {
        if self.graceful.is_cancelled() {
            self.at_once.cancel();
        }
        self.graceful.cancel();
    }
}

fn stdin_file() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_twice_ends_at_once() {
        let stop = Stop::default();
        stop.again();
        assert!(stop.graceful.is_cancelled() && !stop.at_once.is_cancelled());
        stop.again();
        assert!(stop.at_once.is_cancelled());
    }
}
