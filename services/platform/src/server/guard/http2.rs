//! Frames of HTTP/2, counted: what keeps us busy and asks for nothing is paid
//! for, and whoever cannot pay is hung up on.
//!
//! h2 bounds empty DATA, CONTINUATION and streams that are reset early. It
//! answers any number of PING and SETTINGS, and takes a body byte by byte.

use std::{io, sync::Arc};

use tokio::time::Instant;

use super::{judge::Patience, watch::Watch};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;
/// A DATA frame below this is small.
const SMALL: u32 = 64;
/// What a request gives back: the frames that belong to one.
const FOR_REQUEST: u32 = 8;
/// What a reset costs: more than half a request, so that requests which are
/// taken back do not pay for themselves.
const RESET: u32 = 12;
/// Bytes of a body, in either direction, that pay for one frame.
const PER_FRAME: u32 = 512;

/// How many frames a peer may send that carry nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// At once.
    pub(super) burst: u32,
    /// And then each second.
    pub(super) per_second: u32,
}

/// The head of a frame (RFC 9113, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
}

/// Finds the frames in a stream of bytes.
#[derive(Debug, Default)]
struct Frames {
    head: [u8; 9],
    have: usize,
    /// Bytes of the current frame's payload that are still to come.
    left: u32,
}

/// A connection of HTTP/2: frames in both directions, and what may still come.
#[derive(Debug)]
pub(super) struct Http2 {
    incoming: Frames,
    outgoing: Frames,
    budget: Budget,
    watch: Arc<Watch>,
}

/// What a peer may still send.
#[derive(Debug)]
struct Budget {
    allowance: Allowance,
    left: u32,
    since: Instant,
}

// === impl Http2 ===

impl Http2 {
    pub(super) fn new(patience: Patience, watch: Arc<Watch>) -> Self {
        let budget = Budget::new(patience.frames);
        Self { incoming: Frames::default(), outgoing: Frames::default(), budget, watch }
    }

    /// Counts what came in; fails if it is too much.
    pub(super) fn read(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Self { incoming, budget, .. } = self;
        budget.refill();
        let mut is_flood = false;
        incoming.read(bytes, |frame| is_flood |= !budget.pay(frame));
        if is_flood {
            self.watch.flood();
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// Returns how many bytes of bodies went out.
    pub(super) fn wrote(&mut self, bytes: &[u8]) -> u64 {
        let mut data = 0;
        self.outgoing.read(bytes, |frame| data += frame.data());
        self.budget.earn_data(data);
        u64::from(data)
    }
}

// === impl Frame ===

impl Frame {
    /// Bytes of a body.
    pub(super) fn data(self) -> u32 {
        if self.kind == DATA { self.length } else { 0 }
    }
}

// === impl Frames ===

impl Frames {
    /// Calls back for the head of each frame.
    pub(super) fn read(&mut self, mut bytes: &[u8], mut seen: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            let skipped = usize::try_from(self.left).map_or(bytes.len(), |it| it.min(bytes.len()));
            self.left -= u32::try_from(skipped).unwrap_or(self.left);
            bytes = bytes.get(skipped..).unwrap_or_default();
            while let Some((first, rest)) = bytes.split_first().filter(|_| self.have < 9) {
                if let Some(place) = self.head.get_mut(self.have) {
                    *place = *first;
                }
                self.have += 1;
                bytes = rest;
            }
            if self.have == 9 {
                let [a, b, c, kind, flags, ..] = self.head;
                let length = u32::from_be_bytes([0, a, b, c]);
                seen(Frame { length, kind, flags });
                (self.have, self.left) = (0, length);
            }
        }
    }
}

// === impl Budget ===

impl Budget {
    pub(super) fn new(allowance: Allowance) -> Self {
        Self { allowance, left: allowance.burst, since: Instant::now() }
    }

    /// Gives back what time has earned.
    pub(super) fn refill(&mut self) {
        let earned =
            self.since.elapsed().as_millis() * u128::from(self.allowance.per_second) / 1000;
        if earned > 0 {
            self.since = Instant::now();
            self.earn(u32::try_from(earned).unwrap_or(u32::MAX));
        }
    }

    /// Counts bytes of a body that went out.
    pub(super) fn earn_data(&mut self, bytes: u32) {
        self.earn(bytes / PER_FRAME);
    }

    /// Counts a frame that came in; false if there is nothing left to pay for it.
    pub(super) fn pay(&mut self, frame: Frame) -> bool {
        let is_last = frame.flags & END_STREAM != 0;
        let cost = match frame.kind {
            HEADERS => {
                self.earn(FOR_REQUEST);
                0
            }
            DATA if is_last => 0,
            DATA if frame.length >= SMALL => {
                self.earn_data(frame.length);
                0
            }
            RST_STREAM => RESET,
            _ => 1,
        };
        let left = self.left.checked_sub(cost);
        self.left = left.unwrap_or_default();
        left.is_some()
    }

    fn earn(&mut self, frames: u32) {
        self.left = self.left.saturating_add(frames).min(self.allowance.burst);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PING: Frame = Frame { length: 8, kind: 6, flags: 0 };
    const PUBLIC: Allowance = Allowance { burst: 1_000, per_second: 50 };

    fn bytes(frame: Frame) -> Vec<u8> {
        let [_, a, b, c] = frame.length.to_be_bytes();
        let mut bytes = vec![a, b, c, frame.kind, frame.flags, 0, 0, 0, 1];
        bytes.resize(9 + usize::try_from(frame.length).unwrap(), 0xff);
        bytes
    }

    fn paid(budget: &mut Budget, frames: impl IntoIterator<Item = Frame>) -> usize {
        frames.into_iter().take_while(|frame| budget.pay(*frame)).count()
    }

    #[test]
    fn frames_are_found_however_they_arrive() {
        let sent: Vec<_> = [0, 1, 8, 300, 70_000, 0].map(|length| Frame { length, ..PING }).into();
        let wire: Vec<_> = sent.iter().flat_map(|frame| bytes(*frame)).collect();
        for piece in [1, 2, 8, 9, 10, 1_000, wire.len()] {
            let (mut frames, mut seen) = (Frames::default(), Vec::new());
            wire.chunks(piece).for_each(|piece| frames.read(piece, |frame| seen.push(frame)));
            assert_eq!(seen, sent, "{piece}");
        }
    }

    #[tokio::test]
    async fn floods_end_and_time_gives_back() {
        tokio::time::pause();
        let empty = Frame { length: 0, kind: DATA, flags: 0 };
        let small = Frame { length: 1, ..empty };
        for flood in [PING, empty, small, Frame { kind: 4, ..PING }, Frame { kind: 8, ..PING }] {
            let mut budget = Budget::new(PUBLIC);
            assert_eq!(paid(&mut budget, vec![flood; 20_000]), 1_000, "{flood:?}");
            tokio::time::advance(Duration::from_secs(2)).await;
            budget.refill();
            assert_eq!(paid(&mut budget, vec![flood; 20_000]), 100, "{flood:?}");
        }
    }

    #[tokio::test]
    async fn requests_that_are_taken_back_are_a_flood_and_others_are_not() {
        let request = Frame { length: 40, kind: HEADERS, flags: 5 };
        let reset = Frame { length: 4, kind: RST_STREAM, flags: 0 };
        let mut budget = Budget::new(PUBLIC);
        let paid_for = paid(&mut budget, [request, reset].into_iter().cycle().take(20_000));
        assert!((400..600).contains(&paid_for), "{paid_for}");
        let mut budget = Budget::new(PUBLIC);
        let window = Frame { length: 4, kind: 8, flags: 0 };
        let usual = [request, window, window, PING, window].into_iter().cycle();
        assert_eq!(paid(&mut budget, usual.take(20_000)), 20_000);
        let upload = [Frame { length: 16_384, kind: DATA, flags: 0 }, PING];
        assert_eq!(paid(&mut budget, upload.into_iter().cycle().take(20_000)), 20_000);
    }
}
