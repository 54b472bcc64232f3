//! The memory of a verifier.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use proto::auth::v1::{Refusal, TrustPhase, TrustedKey, WatchTrustResponse};
use uuid::Uuid;

use super::{Broken, VerifiedKeySet, id};

/// How often what is over is forgotten.
const BETWEEN_SWEEPS: Duration = Duration::from_mins(1);

/// Until when somebody is refused, in Unix seconds.
type Refusals = HashMap<Uuid, i64>;

/// What was heard.
#[derive(Default)]
pub(super) struct Known {
    pub(super) keys: VerifiedKeySet,
    /// The keys as they were told.
    pub(super) told: Vec<TrustedKey>,
    pub(super) generation: u64,
    pub(super) sequence: u32,
    sessions: Refusals,
    users: Refusals,
    /// What the pieces of a snapshot that is not complete have named.
    pending: Option<(Vec<TrustedKey>, Refusals, Refusals)>,
    heard: Option<Instant>,
    swept: Option<Instant>,
}

// === impl Known ===

impl Known {
    pub(super) fn was_heard_within(&self, limit: Duration) -> bool {
        self.heard.is_some_and(|heard| heard.elapsed() <= limit)
    }

    pub(super) fn refuses_session(&self, session_id: Uuid) -> bool {
        self.sessions.contains_key(&session_id)
    }

    pub(super) fn refuses_user(&self, user_id: Uuid) -> bool {
        self.users.contains_key(&user_id)
    }

    /// Takes note of a message, and tells whether everything is known now.
    pub(super) fn hear(
        &mut self,
        message: &WatchTrustResponse,
        at: Instant,
    ) -> Result<bool, Broken> {
        match message.phase() {
            TrustPhase::Snapshot => {
                self.collect(message);
                return Ok(false);
            }
            TrustPhase::SnapshotEnd => {
                self.collect(message);
                self.replace(message.sequence)?;
            }
            TrustPhase::Change if message.sequence == self.sequence.wrapping_add(1) => {
                self.change(message)?;
            }
            TrustPhase::Heartbeat if message.sequence == self.sequence => self.sweep(at),
            TrustPhase::Change | TrustPhase::Heartbeat => return Err(Broken::Gap),
            TrustPhase::Unspecified => return Err(Broken::Malformed),
        }
        self.heard = self.heard.max(Some(at));
        Ok(true)
    }

    fn collect(&mut self, message: &WatchTrustResponse) {
        let (keys, sessions, users) = self.pending.get_or_insert_default();
        keys.extend(message.keys.iter().cloned());
        sessions.extend(refusals(&message.sessions));
        users.extend(refusals(&message.users));
    }

    fn replace(&mut self, sequence: u32) -> Result<(), Broken> {
        let (keys, sessions, users) = self.pending.take().unwrap_or_default();
        self.use_keys(keys)?;
        (self.sessions, self.users, self.sequence) = (sessions, users, sequence);
        Ok(())
    }

    fn change(&mut self, message: &WatchTrustResponse) -> Result<(), Broken> {
        if !message.keys.is_empty() {
            self.use_keys(message.keys.clone())?;
        }
        self.sessions.extend(refusals(&message.sessions));
        self.users.extend(refusals(&message.users));
        for user_id in message.restored_user_ids.iter().filter_map(|text| id(text)) {
            self.users.remove(&user_id);
        }
        self.sequence = message.sequence;
        Ok(())
    }

    fn use_keys(&mut self, told: Vec<TrustedKey>) -> Result<(), Broken> {
        if told == self.told && !told.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = told.iter().filter_map(|it| it.key.clone()).collect();
        self.keys = VerifiedKeySet::new(&keys)?;
        (self.told, self.generation) = (told, self.generation.wrapping_add(1));
        Ok(())
    }

    /// Forgets those whose tokens have all expired.
    fn sweep(&mut self, at: Instant) {
        if self.swept.is_none_or(|swept| at.duration_since(swept) > BETWEEN_SWEEPS) {
            let now = Timestamp::now().as_second();
            self.sessions.retain(|_, until| *until > now);
            self.users.retain(|_, until| *until > now);
            self.swept = Some(at);
        }
    }

    /// An empty piece of a snapshot.
    pub(super) fn piece(&self) -> WatchTrustResponse {
        let phase = TrustPhase::Snapshot.into();
        WatchTrustResponse { sequence: self.sequence, phase, ..WatchTrustResponse::default() }
    }

    pub(super) fn sessions(&self) -> Vec<Refusal> {
        told(&self.sessions)
    }

    pub(super) fn users(&self) -> Vec<Refusal> {
        told(&self.users)
    }
}

fn refusals(told: &[Refusal]) -> impl Iterator<Item = (Uuid, i64)> {
    told.iter().filter_map(|refusal| {
        let until = refusal.until.as_ref().map_or(i64::MAX, |until| until.seconds);
        Some((id(&refusal.id)?, until))
    })
}

fn told(refusals: &Refusals) -> Vec<Refusal> {
    let told = refusals.iter().map(|(id, until)| {
        let until =
            (*until != i64::MAX).then_some(prost_types::Timestamp { seconds: *until, nanos: 0 });
        Refusal { id: id.to_string(), until }
    });
    told.collect()
}
