//! Hearing at once what others did, for as long as a process lives.

use std::time::Duration;

use tokio::time::sleep;

use crate::{Listener, Pool};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Hears that something happened, whoever did it. What is said while the database
/// is not reached is lost; so is being told twice of what happens at once.
#[derive(Debug)]
pub struct Ear {
    pool: Pool,
    statement: &'static str,
    listener: Option<Listener>,
    pause: Duration,
}

// === impl Pool ===

impl Pool {
    /// Listens to what others say, on a connection of its own; the statement is the
    /// `LISTEN` that says to what. It is made again whenever it breaks.
    pub fn ear(&self, statement: &'static str) -> Ear {
        Ear { pool: self.clone(), statement, listener: None, pause: Duration::ZERO }
    }
}

// === impl Ear ===

impl Ear {
    /// Waits until something was said, or may have been while we did not listen.
    pub async fn heard(&mut self) {
        loop {
            if let Some(listener) = &mut self.listener {
                if listener.told().await.is_some() {
                    return;
                }
                self.listener = None;
            }
            sleep(self.pause).await;
            self.pause = LONGEST_PAUSE.min(FIRST_PAUSE.max(self.pause * 2));
            match self.pool.listen(self.statement).await {
                Ok(listener) => {
                    (self.listener, self.pause) = (Some(listener), FIRST_PAUSE);
                    return;
                }
                Err(error) => {
                    tracing::debug!(%error, "nothing is heard of the database for now");
                }
            }
        }
    }
}
