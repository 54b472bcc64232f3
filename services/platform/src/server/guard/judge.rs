//! How long a connection may go on: decided every second or two from what is
//! seen of it, so that a request sets no timer of its own.

use std::{sync::Arc, time::Duration};

use super::{
    http2::Allowance,
    watch::{Seen, Watch},
};

/// How patient a port is.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Patience {
    /// Until the protocol is clear.
    pub(super) first_bytes: Duration,
    /// For a head, and for the first request of HTTP/2.
    pub(super) head: Duration,
    /// Between two requests.
    pub(super) idle: Duration,
    /// Without the other side taking what is sent, or sending what it announced.
    pub(super) pause: Duration,
    /// How slow it may be on the whole.
    pub(super) bytes_per_second: u32,
    /// For a connection as a whole, so that load moves to new processes.
    pub(super) age: Duration,
    /// Frames of HTTP/2 that carry nothing.
    pub(super) frames: Allowance,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// It goes on.
    Fine,
    /// It takes no more requests.
    Finish,
    /// It ends now, for this reason.
    Close(&'static str),
}

/// Time that a peer may still waste; what it takes or sends earns it more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Credit {
    left: Duration,
    most: Duration,
    bytes_per_second: u32,
}

/// Judges one connection again and again.
#[derive(Debug)]
pub(in super::super) struct Judge {
    watch: Arc<Watch>,
    patience: Patience,
    credit: Credit,
    taken: u64,
    judged: Duration,
    is_finishing: bool,
}

/// Between two looks at a connection.
pub(in super::super) const EVERY: Duration = Duration::from_millis(1_500);
/// Between two looks at a connection that is to end.
pub(in super::super) const EVERY_AT_THE_END: Duration = Duration::from_millis(250);
/// For the farewell of a connection on which nothing is asked.
const FAREWELL: Duration = Duration::from_secs(1);
/// For a client to read the last answer before it is cut off.
const LINGER: Duration = Duration::from_secs(1);
/// For a head that is incomplete when the process is told to end.
const LAST_HEAD: Duration = Duration::from_secs(3);

// === impl Patience ===

impl Patience {
    /// For anybody.
    pub(in super::super) const PUBLIC: Self = Self {
        first_bytes: Duration::from_secs(5),
        head: Duration::from_secs(10),
        idle: Duration::from_mins(1),
        pause: Duration::from_secs(10),
        bytes_per_second: 1024,
        age: Duration::from_mins(30),
        frames: Allowance { burst: 1_000, per_second: 50 },
    };
    /// For services of ours: many requests share one connection, and the slow
    /// client of one must not end it for all.
    pub(in super::super) const SERVICES: Self = Self {
        idle: Duration::from_mins(10),
        pause: Duration::from_secs(30),
        frames: Allowance { burst: 10_000, per_second: 2_000 },
        ..Self::PUBLIC
    };

    pub(super) fn credit(self) -> Credit {
        let Self { pause, bytes_per_second, .. } = self;
        Credit { left: pause, most: pause, bytes_per_second }
    }
}

// === impl Credit ===

impl Credit {
    pub(super) fn left(self) -> Duration {
        self.left
    }

    pub(super) fn earn(&mut self, bytes: u64) {
        let millis = bytes.saturating_mul(1000) / u64::from(self.bytes_per_second.max(1));
        self.left = self.left.saturating_add(Duration::from_millis(millis)).min(self.most);
    }

    pub(super) fn spend(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
    }
}

// === impl Judge ===

impl Judge {
    /// `spread` is a number from 0 to 255 that differs from connection to
    /// connection: connections of one age must not end all at once.
    pub(in super::super) fn new(watch: Arc<Watch>, mut patience: Patience, spread: u8) -> Self {
        let tenth = patience.age / 10;
        patience.age = tenth * 9 + tenth * u32::from(spread) / 128;
        let credit = patience.credit();
        Self { watch, patience, credit, taken: 0, judged: Duration::ZERO, is_finishing: false }
    }

    /// The process ends: the connection does as soon as nothing is asked on it.
    pub(in super::super) fn finish(&mut self) {
        self.is_finishing = true;
        self.patience.head = self.patience.head.min(LAST_HEAD);
        self.patience.idle = FAREWELL;
    }

    /// Whether the connection was flooded, which it does not survive.
    pub(in super::super) fn has_seen_a_flood(&self) -> bool {
        self.watch.is_flooded()
    }

    pub(in super::super) fn judge(&mut self) -> Verdict {
        let seen = self.watch.see();
        if self.is_too_slow(seen) {
            return Verdict::Close("slow_reader");
        }
        if let Some(reason) = self.has_said_too_little(seen) {
            return Verdict::Close(reason);
        }
        if seen.closing.is_some_and(|since| since > LINGER) {
            return Verdict::Close("farewell");
        }
        let is_idle = !seen.is_active && seen.in_head.is_none() && seen.quiet > self.patience.idle;
        if self.is_finishing {
            return if is_idle { Verdict::Close("farewell") } else { Verdict::Fine };
        }
        // An HTTP/1 connection hears of its end with its next answer.
        let is_old =
            seen.age > self.patience.age && (seen.is_http2 == Some(true) || seen.is_active);
        if is_idle || is_old || self.watch.has_dawdled() {
            self.is_finishing = true;
            self.patience.idle = FAREWELL;
            return Verdict::Finish;
        }
        Verdict::Fine
    }

    /// Whether the other side takes what is sent, and fast enough.
    fn is_too_slow(&mut self, seen: Seen) -> bool {
        let time = seen.age.saturating_sub(self.judged);
        self.judged = seen.age;
        self.credit.earn(seen.taken.saturating_sub(self.taken));
        self.taken = seen.taken;
        if seen.is_waiting {
            self.credit.spend(time);
        } else {
            self.credit = self.patience.credit();
        }
        self.credit.left.is_zero()
    }

    fn has_said_too_little(&self, seen: Seen) -> Option<&'static str> {
        if seen.is_http2.is_none() && seen.age > self.patience.first_bytes {
            return Some("first_bytes");
        }
        if seen.in_head.is_some_and(|since| since > self.patience.head) {
            return Some("slow_head");
        }
        let is_mute =
            seen.is_http2 == Some(true) && !seen.has_asked && seen.age > self.patience.head;
        is_mute.then_some("no_request")
    }
}

#[cfg(test)]
#[path = "tests/judge.rs"]
mod tests;
