//! Well-known messages, which have JSON forms of their own.

use super::{
    super::{
        plan::{Count, Field, Form, Kind, Message},
        stop::{Stop, Unusual},
        wire,
    },
    Reader, time,
};

// === impl Reader ===

impl Reader<'_> {
    pub(crate) fn well_known(&mut self, message: &Message, depth: u8) -> Result<(), Stop> {
        match message.form {
            Form::Timestamp | Form::Duration | Form::FieldMask => {
                let text = self.json.string()?;
                self.plain(message.form, &text)
            }
            Form::Wrapper => self.scalar(first(message)?, true).map(drop),
            Form::Struct => self.map(first(message)?, depth).map(drop),
            Form::List => self.list(first(message)?, false, depth).map(drop),
            Form::Value => self.any_json(message, depth),
            Form::Any => self.empty_any(),
            Form::Object | Form::Unplanned => Err(Unusual::Unplanned.into()),
        }
    }

    /// Writes what is one text in JSON.
    pub(crate) fn plain(&mut self, form: Form, text: &str) -> Result<(), Stop> {
        let (seconds, nanos) = match form {
            Form::Timestamp => time::timestamp(text)?,
            Form::Duration => time::duration(text)?,
            Form::FieldMask => return self.field_mask(text),
            _ => return Err(Unusual::WellKnown.into()),
        };
        if seconds != 0 {
            self.out.push(1 << 3);
            wire::put_varint(&mut self.out, seconds.cast_unsigned());
        }
        if nanos != 0 {
            self.out.push(2 << 3);
            wire::put_varint(&mut self.out, i64::from(nanos).cast_unsigned());
        }
        Ok(())
    }

    fn field_mask(&mut self, text: &str) -> Result<(), Stop> {
        for path in text.split(',').filter(|path| !path.is_empty()) {
            self.out.push(1 << 3 | 2);
            let start = wire::open(&mut self.out);
            for byte in path.bytes() {
                match byte {
                    b'A'..=b'Z' => self.out.extend_from_slice(&[b'_', byte.to_ascii_lowercase()]),
                    b'_' => return Err(Stop::Malformed("a field mask is not in camel case")),
                    _ => self.out.push(byte),
                }
            }
            wire::close(&mut self.out, start);
        }
        Ok(())
    }

    /// Writes a `google.protobuf.Value`.
    fn any_json(&mut self, message: &Message, depth: u8) -> Result<(), Stop> {
        let field = |number| message.at(number).map(|(_, field)| field).ok_or(Unusual::Unplanned);
        match self.json.peek() {
            Some(b'n') => {
                self.json.word("null")?;
                field(1)?.put_tag(&mut self.out);
                self.out.push(0);
                Ok(())
            }
            Some(b'"') => self.scalar(field(3)?, false).map(drop),
            Some(b't' | b'f') => self.scalar(field(4)?, false).map(drop),
            Some(b'{') => self.inside(field(5)?, depth),
            Some(b'[') => self.inside(field(6)?, depth),
            _ => self.scalar(field(2)?, false).map(drop),
        }
    }

    fn inside(&mut self, field: &Field, depth: u8) -> Result<(), Stop> {
        let (Kind::Message(id), Count::Single { .. }) = (field.kind, field.count) else {
            return Err(Unusual::Unplanned.into());
        };
        field.put_tag(&mut self.out);
        self.framed(|reader| reader.message(id, None, depth + 1))
    }

    fn empty_any(&mut self) -> Result<(), Stop> {
        let mut members = self.json.object()?;
        if self.json.key(&mut members)?.is_some() { Err(Unusual::Any.into()) } else { Ok(()) }
    }
}

fn first(message: &Message) -> Result<&Field, Unusual> {
    message.fields.first().ok_or(Unusual::Unplanned)
}
