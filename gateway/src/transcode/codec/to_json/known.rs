//! Well-known messages, which have JSON forms of their own.

use super::{
    super::{
        json,
        plan::{Form, Kind, Message},
        stop::{Stop, Unusual},
        wire::{self, Tag, WireType},
    },
    Writer, time,
};

// === impl Writer ===

impl Writer<'_> {
    pub(crate) fn well_known(
        &mut self,
        message: &Message,
        wire: &[u8],
        depth: u8,
    ) -> Result<(), Stop> {
        match message.form {
            Form::Timestamp => {
                let (seconds, nanos) = seconds_and_nanos(wire)?;
                time::put_timestamp(seconds, nanos, &mut self.out)
            }
            Form::Duration => {
                let (seconds, nanos) = seconds_and_nanos(wire)?;
                time::put_duration(seconds, nanos, &mut self.out)
            }
            Form::FieldMask => self.field_mask(wire),
            Form::Wrapper => self.wrapper(message, wire, depth),
            Form::Struct => self.only_values(message, b"{}", wire, depth),
            Form::List => self.only_values(message, b"[]", wire, depth),
            Form::Value => self.any_json(message, wire, depth),
            Form::Any if wire.is_empty() => {
                self.out.extend_from_slice(b"{}");
                Ok(())
            }
            Form::Any => Err(Unusual::Any.into()),
            Form::Object | Form::Unplanned => Err(Unusual::Unplanned.into()),
        }
    }

    fn field_mask(&mut self, mut wire: &[u8]) -> Result<(), Stop> {
        self.out.push(b'"');
        let start = self.out.len();
        while !wire.is_empty() {
            let Tag { number: 1, wire_type: WireType::Length } = wire::tag(&mut wire)? else {
                return Err(Unusual::WellKnown.into());
            };
            self.separate(start);
            put_camel_case(wire::bytes(&mut wire)?, &mut self.out)?;
        }
        self.out.push(b'"');
        Ok(())
    }

    fn wrapper(&mut self, message: &Message, mut wire: &[u8], depth: u8) -> Result<(), Stop> {
        let Some(field) = message.fields.first() else { return Err(Unusual::Unplanned.into()) };
        if wire.is_empty() {
            self.out.extend_from_slice(&message.zero);
            return Ok(());
        }
        let tag = wire::tag(&mut wire)?;
        if tag.number != field.number || tag.wire_type != field.kind.wire_type() {
            return Err(Unusual::WellKnown.into());
        }
        self.value(field.kind, &mut wire, depth)?;
        if wire.is_empty() { Ok(()) } else { Err(Unusual::WellKnown.into()) }
    }

    /// Writes a message that is its only field, a map or a list.
    fn only_values(
        &mut self,
        message: &Message,
        empty: &[u8],
        mut wire: &[u8],
        depth: u8,
    ) -> Result<(), Stop> {
        let Some(field) = message.fields.first() else { return Err(Unusual::Unplanned.into()) };
        if wire.is_empty() {
            self.out.extend_from_slice(empty);
            return Ok(());
        }
        let tag = wire::tag(&mut wire)?;
        match (tag.number == field.number, message.form) {
            (true, Form::Struct) => self.map(field, tag, &mut wire, depth)?,
            (true, _) => self.list(field, tag, &mut wire, depth).map(drop)?,
            (false, _) => return Err(Unusual::WellKnown.into()),
        }
        if wire.is_empty() { Ok(()) } else { Err(Unusual::WellKnown.into()) }
    }

    /// Writes a `google.protobuf.Value`.
    fn any_json(&mut self, message: &Message, mut wire: &[u8], depth: u8) -> Result<(), Stop> {
        if wire.is_empty() {
            return Err(Unusual::WellKnown.into());
        }
        let tag = wire::tag(&mut wire)?;
        let (_, field) = message.at(tag.number).ok_or(Unusual::WellKnown)?;
        if tag.wire_type != field.kind.wire_type() {
            return Err(Unusual::WellKnown.into());
        }
        if field.kind == Kind::Double {
            let value = f64::from_le_bytes(wire::fixed(&mut wire)?);
            if !value.is_finite() {
                return Err(Stop::NoJson("a value is no finite number"));
            }
            json::put_float(value, &mut self.out);
        } else {
            self.value(field.kind, &mut wire, depth)?;
        }
        if wire.is_empty() { Ok(()) } else { Err(Unusual::WellKnown.into()) }
    }
}

/// The fields of a Timestamp or a Duration.
pub(crate) fn seconds_and_nanos(mut wire: &[u8]) -> Result<(i64, i32), Stop> {
    let (mut seconds, mut nanos) = (0, 0);
    while !wire.is_empty() {
        match wire::tag(&mut wire)? {
            Tag { number: 1, wire_type: WireType::Varint } => {
                seconds = wire::varint(&mut wire)?.cast_signed();
            }
            Tag { number: 2, wire_type: WireType::Varint } => {
                nanos = wire::low(wire::varint(&mut wire)?).cast_signed();
            }
            _ => return Err(Unusual::WellKnown.into()),
        }
    }
    Ok((seconds, nanos))
}

/// `made_at` becomes `madeAt`; what would not come back as it was has no JSON.
fn put_camel_case(path: &[u8], out: &mut Vec<u8>) -> Result<(), Stop> {
    let mut after_underscore = false;
    for byte in path {
        match byte {
            b'_' if !after_underscore => after_underscore = true,
            b'a'..=b'z' if after_underscore => {
                out.push(byte.to_ascii_uppercase());
                after_underscore = false;
            }
            b'a'..=b'z' | b'0'..=b'9' | b'.' if !after_underscore => out.push(*byte),
            _ => return Err(Stop::NoJson("a field mask has a path that is not in snake case")),
        }
    }
    if after_underscore {
        return Err(Stop::NoJson("a field mask has a path that is not in snake case"));
    }
    Ok(())
}
