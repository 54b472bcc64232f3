//! From the wire format to JSON, in one pass forward.
//!
//! Services write fields in the order of their numbers, so what is absent can be
//! written in between. Whatever is not so is unusual and left to a message tree:
//! this pass never guesses.

mod known;
mod list;
mod message;
mod time;
mod value;

use super::{
    plan::{Field, MessageId, Plans},
    stop::Stop,
};

pub(crate) use self::{
    known::seconds_and_nanos,
    time::{LONGEST, TIMES},
};

/// A pass over a message.
pub(crate) struct Writer<'a> {
    plans: &'a Plans,
    /// Whether absent fields are written, as far as they have no presence.
    writes_absent: bool,
    out: Vec<u8>,
}

// === impl Writer ===

impl<'a> Writer<'a> {
    /// Starts a pass.
    pub(crate) fn new(plans: &'a Plans, writes_absent: bool, capacity: usize) -> Self {
        Self { plans, writes_absent, out: Vec::with_capacity(capacity) }
    }

    /// Writes a message.
    pub(crate) fn whole(mut self, id: MessageId, wire: &[u8]) -> Result<Vec<u8>, Stop> {
        self.message(id, wire, 0)?;
        Ok(self.out)
    }

    /// Writes the value of a single field of a message.
    pub(crate) fn part(mut self, field: &Field, wire: &[u8]) -> Result<Vec<u8>, Stop> {
        self.only(field, wire)?;
        Ok(self.out)
    }
}
