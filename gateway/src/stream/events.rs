//! One open stream of events.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use platform::status::{self, Reason};
use tokio::time::sleep;
use tonic::Status;

use super::{Life, format::Format};
use crate::{
    body::Broken,
    call::Messages,
    problem::Problem,
    route::{Answers, Route},
    transcode, wire,
};

/// Proxies close what is silent for a minute or half of one.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Whoever is sent away comes back within this time, not all at once.
const BACK_AFTER: Duration = Duration::from_secs(1);
const BACK_WITHIN: Duration = Duration::from_secs(3);

/// What is there already: the first message, or the end.
pub(super) type First = Option<Option<Bytes>>;
/// A piece of the answer.
type Piece = Result<Bytes, Broken>;

/// A stream of events that goes on while somebody reads it.
#[derive(Debug)]
pub(super) struct Events {
    format: Format,
    route: Arc<Route>,
    messages: Messages,
    first: First,
    life: Life,
    request_id: String,
    is_over: bool,
}

/// What happens next on a stream.
enum Next {
    Message(Result<Option<Bytes>, Status>),
    Silence,
    Leave(&'static str),
}

// === impl Events ===

impl Events {
    pub(super) fn new(
        (format, route): (Format, Arc<Route>),
        (messages, first): (Messages, First),
        life: Life,
        request_id: String,
    ) -> Self {
        Self { format, route, messages, first, life, request_id, is_over: false }
    }

    /// The next piece of the answer. Nothing is asked of the service before the
    /// client has taken the piece before.
    pub(super) async fn next(mut self) -> Option<(Piece, Self)> {
        loop {
            if self.is_over {
                return None;
            }
            let next = self.wait().await;
            if let Some(piece) = self.piece(next) {
                return Some((Ok(piece.into()), self));
            }
        }
    }

    async fn wait(&mut self) -> Next {
        if let Some(first) = self.first.take() {
            return Next::Message(Ok(first));
        }
        tokio::select! {
            biased;
            why = self.life.ended() => Next::Leave(why),
            message = self.messages.next() => Next::Message(message),
            () = sleep(HEARTBEAT) => Next::Silence,
        }
    }

    fn piece(&mut self, next: Next) -> Option<Vec<u8>> {
        match next {
            Next::Silence => self.format.heartbeat().map(<[u8]>::to_vec),
            Next::Message(Ok(Some(message))) => Some(self.event(message)),
            Next::Message(Ok(None)) => {
                self.is_over = true;
                self.format.end()
            }
            Next::Message(Err(status)) => Some(self.broken(&status)),
            Next::Leave(why) => Some(self.leave(why)),
        }
    }

    fn event(&mut self, message: Bytes) -> Vec<u8> {
        let id = match &self.route.rpc.answers {
            Answers::Events { id: Some(field) } => wire::find(&message, field.number()),
            _ => None,
        };
        let id = id.and_then(|id| str::from_utf8(id).ok()).filter(|id| !id.is_empty());
        let id = id.map(str::to_owned);
        match transcode::reply(&self.route, message) {
            Ok(reply) => self.format.event(id.as_deref(), &reply.json),
            Err(status) => self.broken(&status),
        }
    }

    /// Ends a stream that is not complete in a way that nobody takes for complete.
    fn broken(&mut self, status: &Status) -> Vec<u8> {
        self.is_over = true;
        let problem = Problem::of_status(status, |field| self.route.place_of(field));
        self.format.problem(&problem.json(&self.request_id))
    }

    /// Asks the client to come back.
    fn leave(&mut self, why: &str) -> Vec<u8> {
        self.is_over = true;
        let spread = BACK_WITHIN.saturating_sub(BACK_AFTER).as_millis().max(1);
        let random = u128::from(RandomState::new().build_hasher().finish()) % spread;
        let after = u64::try_from(BACK_AFTER.as_millis() + random).unwrap_or(u64::MAX);
        match self.format.retry(after) {
            Some(retry) => retry,
            None => self.broken(&status::refuse_because(Reason::UNAVAILABLE, why)),
        }
    }
}
