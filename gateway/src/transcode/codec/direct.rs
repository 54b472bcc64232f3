//! The pieces that requests and replies are put together from, on the direct way
//! alone: what stops it is for the caller to judge.

use super::{
    Codec, MessageId, capacity,
    json::Cursor,
    plan::Field,
    stop::{Stop, Unusual},
    to_json::{self, Writer},
    to_wire::{Hidden, Reader, Seen, Unknown},
    wire::{self, WireType},
};

// === impl Codec ===

impl Codec {
    /// Writes a message as JSON, with what is absent.
    pub(crate) fn direct(&self, id: MessageId, wire: &[u8]) -> Result<Vec<u8>, Stop> {
        Writer::new(&self.plans, true, capacity(wire)).whole(id, wire)
    }

    /// Writes a single field of a message as JSON.
    pub(crate) fn direct_part(
        &self,
        id: MessageId,
        number: u32,
        wire: &[u8],
    ) -> Result<Vec<u8>, Stop> {
        Writer::new(&self.plans, true, capacity(wire)).part(self.field(id, number)?, wire)
    }

    /// Adds the fields that a JSON object has, and tells which they are.
    pub(crate) fn put_body(
        &self,
        id: MessageId,
        json: &[u8],
        hidden: Option<&Hidden>,
        out: Vec<u8>,
    ) -> Result<(Vec<u8>, Seen), Stop> {
        Reader::new(&self.plans, Unknown::Refused, json, out)?.body(id, hidden)
    }

    /// Reads the value of a field, and makes a message that has only that.
    pub(crate) fn value(
        &self,
        id: MessageId,
        number: u32,
        json: &[u8],
    ) -> Result<Option<Vec<u8>>, Stop> {
        let reader = Reader::new(&self.plans, Unknown::Refused, json, Vec::new())?;
        reader.value(self.field(id, number)?)
    }

    /// Adds a field that is a text, bytes or a message.
    pub(crate) fn put_bytes(
        &self,
        id: MessageId,
        number: u32,
        value: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        self.field(id, number)?.put_tag(out);
        wire::put_bytes(out, value);
        Ok(())
    }

    /// Begins a field that is a message; `close` takes what it returns.
    pub(crate) fn open(
        &self,
        id: MessageId,
        number: u32,
        out: &mut Vec<u8>,
    ) -> Result<usize, Stop> {
        self.field(id, number)?.put_tag(out);
        Ok(wire::open(out))
    }

    /// The names of fields in the contract.
    pub(crate) fn names(
        &self,
        id: MessageId,
        seen: Seen,
    ) -> Result<impl Iterator<Item = &str>, Stop> {
        let fields = self.plans.message(id)?.fields.iter().enumerate();
        Ok(fields.filter(move |(place, _)| seen.has(*place)).map(|(_, field)| &*field.name))
    }

    fn field(&self, id: MessageId, number: u32) -> Result<&Field, Stop> {
        let found = self.plans.message(id)?.at(number);
        found.map(|(_, field)| field).ok_or(Stop::Unusual(Unusual::Unplanned))
    }
}

/// A text must be an object without members.
pub(crate) fn check_empty(json: &[u8]) -> Result<(), Stop> {
    let mut cursor = Cursor::new(json)?;
    let mut members = cursor.object()?;
    match cursor.key(&mut members)? {
        None => cursor.end(),
        Some(_) => Err(Stop::Malformed("a body is not taken")),
    }
}

/// Ends a field that was opened.
pub(crate) fn close(out: &mut Vec<u8>, start: usize) {
    wire::close(out, start);
}

/// Adds a path of a field mask.
pub(crate) fn put_path(path: &str, out: &mut Vec<u8>) {
    out.push(1 << 3 | 2);
    wire::put_bytes(out, path.as_bytes());
}

/// The last value of a field that is a text, bytes or a message. A message that
/// is there in several pieces is unusual.
pub(crate) fn last(mut wire: &[u8], number: u32) -> Result<Option<&[u8]>, Stop> {
    let mut found = None;
    while !wire.is_empty() {
        let tag = wire::tag(&mut wire)?;
        if tag.number != number {
            wire::skip(&mut wire, tag.wire_type)?;
        } else if tag.wire_type != WireType::Length {
            return Err(Unusual::WireType.into());
        } else if found.replace(wire::bytes(&mut wire)?).is_some() {
            return Err(Unusual::Order.into());
        }
    }
    Ok(found)
}

/// The last value of a field that is a text.
pub(crate) fn last_text(wire: &[u8], number: u32) -> Result<Option<&str>, Stop> {
    let text = last(wire, number)?.map(std::str::from_utf8).transpose();
    text.map_err(|_not_utf8| Stop::NOT_UTF8)
}

/// The seconds of a Timestamp.
pub(crate) fn seconds(timestamp: &[u8]) -> Result<i64, Stop> {
    to_json::seconds_and_nanos(timestamp).map(|(seconds, _)| seconds)
}
