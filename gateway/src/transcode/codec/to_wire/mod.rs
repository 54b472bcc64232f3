//! From JSON to the wire format, in one pass forward.

mod known;
mod list;
mod message;
mod number;
mod scalar;
mod time;

use super::{
    json::Cursor,
    plan::{Field, MessageId, Plans},
    stop::Stop,
    wire,
};

use self::message::Given;
pub(crate) use self::message::{Cover, Hidden, Seen};

/// What becomes of members that a message does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// They are refused: a field that is dropped in silence is lost data.
    Refused,
    /// They are passed over, and so are names that an enum does not have.
    Skipped,
}

/// A pass over a JSON text.
pub(crate) struct Reader<'a> {
    plans: &'a Plans,
    unknown: Unknown,
    json: Cursor<'a>,
    out: Vec<u8>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    /// Starts a pass that adds to what is written already.
    pub(crate) fn new(
        plans: &'a Plans,
        unknown: Unknown,
        json: &'a [u8],
        out: Vec<u8>,
    ) -> Result<Self, Stop> {
        Ok(Self { plans, unknown, json: Cursor::new(json)?, out })
    }

    /// Reads a message that is all of the text.
    pub(crate) fn whole(mut self, id: MessageId) -> Result<Vec<u8>, Stop> {
        self.message(id, None, 0)?;
        self.json.end()?;
        Ok(self.out)
    }

    /// Reads the members of a message, but for those that may not be there, and
    /// tells which are.
    pub(crate) fn body(
        mut self,
        id: MessageId,
        hidden: Option<&Hidden>,
    ) -> Result<(Vec<u8>, Seen), Stop> {
        let message = self.plans.message(id)?;
        let seen = self.members(message, hidden, 0)?;
        self.json.end()?;
        Ok((self.out, seen))
    }

    /// Reads the value of a field that is all of the text; null is none.
    pub(crate) fn value(mut self, field: &Field) -> Result<Option<Vec<u8>>, Stop> {
        let given = self.member(field, None, 0)?;
        self.json.end()?;
        Ok((given == Given::Something).then_some(self.out))
    }

    /// Reads a value of a field, or an element of it, that is written as a text.
    pub(crate) fn parameter(
        plans: &'a Plans,
        field: &Field,
        text: &str,
        out: Vec<u8>,
    ) -> Result<Vec<u8>, Stop> {
        let mut reader = Self::new(plans, Unknown::Refused, &[], out)?;
        reader.text_of(field, text)?;
        Ok(reader.out)
    }

    /// Writes the length of what is written in between in front of it.
    #[inline]
    fn framed(&mut self, write: impl FnOnce(&mut Self) -> Result<(), Stop>) -> Result<(), Stop> {
        let start = wire::open(&mut self.out);
        write(self)?;
        wire::close(&mut self.out, start);
        Ok(())
    }
}
