//! Single values.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    super::{
        json,
        plan::{EnumId, Kind},
        stop::Stop,
        wire,
    },
    Writer,
};

// === impl Writer ===

impl Writer<'_> {
    /// Writes a value; true if it is the one that absence stands for.
    #[inline]
    pub(crate) fn value(&mut self, kind: Kind, wire: &mut &[u8], depth: u8) -> Result<bool, Stop> {
        match kind {
            Kind::Text => {
                let text = wire::bytes(wire)?;
                json::put_text(text, &mut self.out)?;
                Ok(text.is_empty())
            }
            Kind::Message(id) => {
                let message = wire::bytes(wire)?;
                self.message(id, message, depth + 1)?;
                Ok(false)
            }
            Kind::Bytes => {
                let bytes = wire::bytes(wire)?;
                self.base64(bytes)?;
                Ok(bytes.is_empty())
            }
            Kind::Bool => {
                let is_true = wire::varint(wire)? != 0;
                self.out.extend_from_slice(if is_true { b"true" } else { b"false" });
                Ok(!is_true)
            }
            Kind::Enum(id) => self.enumeration(id, wire::low(wire::varint(wire)?).cast_signed()),
            Kind::Double => {
                let value = f64::from_le_bytes(wire::fixed(wire)?);
                json::put_float(value, &mut self.out);
                Ok(value.to_bits() == 0)
            }
            Kind::Float => {
                let value = f32::from_le_bytes(wire::fixed(wire)?);
                json::put_single(value, &mut self.out);
                Ok(value.to_bits() == 0)
            }
            _ => self.integer(kind, wire),
        }
    }

    fn integer(&mut self, kind: Kind, wire: &mut &[u8]) -> Result<bool, Stop> {
        let value = match kind {
            Kind::Uint64 => return Ok(self.wide_unsigned(wire::varint(wire)?)),
            Kind::Fixed64 => return Ok(self.wide_unsigned(u64::from_le_bytes(wire::fixed(wire)?))),
            Kind::Int64 => return Ok(self.wide(wire::varint(wire)?.cast_signed())),
            Kind::Sint64 => return Ok(self.wide(wire::zigzag(wire::varint(wire)?))),
            Kind::Sfixed64 => return Ok(self.wide(i64::from_le_bytes(wire::fixed(wire)?))),
            Kind::Uint32 => i64::from(wire::low(wire::varint(wire)?)),
            Kind::Sint32 => wire::zigzag(u64::from(wire::low(wire::varint(wire)?))),
            Kind::Fixed32 => i64::from(u32::from_le_bytes(wire::fixed(wire)?)),
            Kind::Sfixed32 => i64::from(i32::from_le_bytes(wire::fixed(wire)?)),
            _ => i64::from(wire::low(wire::varint(wire)?).cast_signed()),
        };
        json::put_integer(value, &mut self.out);
        Ok(value == 0)
    }

    fn wide(&mut self, value: i64) -> bool {
        json::put_wide(value < 0, value.unsigned_abs(), &mut self.out);
        value == 0
    }

    fn wide_unsigned(&mut self, value: u64) -> bool {
        json::put_wide(false, value, &mut self.out);
        value == 0
    }

    fn enumeration(&mut self, id: EnumId, number: i32) -> Result<bool, Stop> {
        let plan = self.plans.enumeration(id)?;
        match plan.name(number) {
            _ if plan.is_null => self.out.extend_from_slice(b"null"),
            Some(name) => self.out.extend_from_slice(name),
            None => json::put_integer(i64::from(number), &mut self.out),
        }
        Ok(number == 0)
    }

    fn base64(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.out.push(b'"');
        let start = self.out.len();
        self.out.resize(start + bytes.len().div_ceil(3) * 4, 0);
        let room = self.out.get_mut(start..).unwrap_or_default();
        let written = STANDARD.encode_slice(bytes, room);
        written.map_err(|_small| Stop::NoJson("bytes are too many"))?;
        self.out.push(b'"');
        Ok(())
    }
}
