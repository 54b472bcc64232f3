//! Sends what is in the queue. Every process of auth has one; a letter is sent by
//! whoever takes it, and by another if that one is not heard of for a while.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use aws_lc_rs::rand;
use database::Pool;
use futures_util::stream::{FuturesUnordered, StreamExt};
use platform::{seal::Sealer, server::Stopping};
use tokio::time::{interval, sleep, timeout};
use uuid::Uuid;

use super::{
    Letter,
    carrier::{Carrier, Outcome, SENT_WITHIN},
    message::Outgoing,
    metrics::Metrics,
    render,
    store::{self, Claimed},
};

/// Sends letters until the process ends.
#[derive(Debug)]
pub(crate) struct Worker {
    /// Another one each time that a process starts.
    pub(super) id: Uuid,
    pub(super) pool: Pool,
    pub(super) sealer: Arc<Sealer>,
    pub(super) carrier: Carrier,
    pub(super) product: String,
    pub(super) metrics: Metrics,
}

/// How many letters are on their way at a time.
pub(super) const AT_ONCE: usize = 4;
/// Letters wake the worker; this is for those whose pause is over.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const TIDY_EVERY: Duration = Duration::from_secs(30);
/// Longer than sending takes at most.
const LEASE: Duration = Duration::from_mins(2);
const FINISH_WITHIN: Duration = Duration::from_secs(4);
const _: () = assert!(LEASE.as_secs() > 2 * SENT_WITHIN.as_secs());

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

// === impl Worker ===

impl Worker {
    /// Sends letters until told to stop; what is on its way then is finished, or
    /// given back to others.
    pub(crate) async fn run(self, stopping: Stopping) {
        let mut taken = BTreeSet::new();
        let mut on_their_way = FuturesUnordered::new();
        let mut ear = self.pool.ear(include_str!("listen.sql"));
        let mut tidying = interval(TIDY_EVERY);
        loop {
            for letter in self.claim(AT_ONCE - on_their_way.len()).await {
                taken.insert(letter.id);
                on_their_way.push(self.send(letter));
            }
            tokio::select! {
                () = stopping.told() => break,
                Some(id) = on_their_way.next() => drop(taken.remove(&id)),
                () = ear.heard() => {}
                () = sleep(LOOK_EVERY) => {}
                _ = tidying.tick() => self.tidy().await,
            }
        }
        let all = async {
            while let Some(id) = on_their_way.next().await {
                taken.remove(&id);
            }
        };
        if timeout(FINISH_WITHIN, all).await.is_err() {
            drop(on_their_way);
            let left: Vec<_> = taken.into_iter().collect();
            if let Err(error) = store::give_back(&self.pool, self.id, &left).await {
                tracing::warn!(%error, "letters on their way are sent later, by others");
            }
        }
    }

    async fn claim(&self, most: usize) -> Vec<Claimed> {
        let most = i64::try_from(most).unwrap_or_default();
        if most == 0 {
            return Vec::new();
        }
        let claimed = store::claim(&self.pool, self.id, most, LEASE).await;
        claimed.unwrap_or_else(|error| {
            tracing::warn!(%error, "letters cannot be read for now");
            Vec::new()
        })
    }

    /// One try with a letter, and what comes of it. Returns which it was.
    async fn send(&self, letter: Claimed) -> Uuid {
        let (worker, pool, letter) = (self.id, &self.pool, &letter);
        let outcome = self.carry(letter).await;
        self.metrics.tried(&outcome);
        let id = letter.id;
        let settled = match outcome {
            Outcome::Sent => store::sent(pool, worker, letter, self.carrier.keeps_letters()).await,
            Outcome::Again(why) => {
                let pause = pause(letter.attempts, random());
                tracing::info!(%id, %why, attempts = letter.attempts, "letter {id} was not sent yet");
                store::again(pool, worker, letter, (&why, pause)).await
            }
            Outcome::Never(why) => {
                tracing::warn!(%id, %why, "letter {id} will not be sent");
                store::dead(pool, worker, letter, &why).await
            }
        };
        if let Err(error) = settled {
            // It is tried again when its lease is over: better twice than never.
            tracing::warn!(%id, %error, "it was not written down what became of letter {id}");
        }
        id
    }

    async fn carry(&self, letter: &Claimed) -> Outcome {
        if !letter.is_useful {
            return Outcome::Never("too late".to_owned());
        }
        // A newer process may have written what this one cannot read.
        let Some(contents) = open(&self.sealer, letter.id, &letter.sealed) else {
            return Outcome::Again("unreadable".to_owned());
        };
        let outgoing = Outgoing {
            id: letter.id,
            recipient: letter.recipient.clone(),
            created_at: letter.created_at,
            written: render::write(&contents, &self.product),
        };
        self.carrier.carry(&outgoing).await
    }

    async fn tidy(&self) {
        let tidied = async {
            store::sweep(&self.pool).await?;
            self.metrics.seen(store::measure(&self.pool).await?);
            Ok::<_, database::Error>(())
        };
        if let Err(error) = tidied.await {
            tracing::debug!(%error, "old letters are still there");
        }
    }
}

/// Reads what is in a letter.
pub(super) fn open(sealer: &Sealer, id: Uuid, sealed: &[u8]) -> Option<Letter> {
    let plain = sealer.open(id.as_bytes(), sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}

/// How long to wait after so many tries: three times as long each time, and less
/// by up to a half, so that not all come back at once.
fn pause(attempts: i32, random: u8) -> Duration {
    let tried = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    let longest = FIRST_PAUSE.saturating_mul(3_u32.saturating_pow(tried)).min(LONGEST_PAUSE);
    longest.mul_f64(f64::from(random).mul_add(-0.5 / 255.0, 1.0))
}

fn random() -> u8 {
    let mut byte = [0];
    // Without randomness all wait the same time, which is no harm.
    rand::fill(&mut byte).unwrap_or_default();
    let [byte] = byte;
    byte
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour_and_differ() {
        assert_eq!(pause(1, 0), Duration::from_secs(5));
        assert_eq!(pause(1, 255), Duration::from_millis(2_500));
        assert_eq!(pause(3, 0), Duration::from_secs(45));
        assert_eq!(pause(i32::MAX, 0), Duration::from_hours(1));
        assert_eq!(pause(0, 0), Duration::from_secs(5));
    }
}
