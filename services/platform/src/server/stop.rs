//! When to stop: on SIGTERM, on Ctrl-C, or when the supervisor lets go of our
//! standard input.

use std::io;

use tokio::{
    io::AsyncReadExt,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use super::spawn;
use crate::fatal::Fatal;

/// A token that is cancelled when the process shall end.
pub(super) fn token(with_stdin: bool) -> Result<CancellationToken, Fatal> {
    let stop = CancellationToken::new();
    let unavailable = |error: io::Error| Fatal::unavailable("signals", error);
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signal = signal(kind).map_err(unavailable)?;
        let stop = stop.clone();
        drop(spawn(async move {
            signal.recv().await;
            stop.cancel();
        }));
    }
    if with_stdin {
        let stop = stop.clone();
        // A blocking read on a thread of its own would keep the process alive.
        let stdin = tokio::net::unix::pipe::Receiver::from_file(stdin_file().map_err(unavailable)?);
        let mut stdin = stdin.map_err(unavailable)?;
        drop(spawn(async move {
            let mut ignored = [0; 64];
            while matches!(stdin.read(&mut ignored).await, Ok(length) if length > 0) {}
            stop.cancel();
        }));
    }
    Ok(stop)
}

fn stdin_file() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}
