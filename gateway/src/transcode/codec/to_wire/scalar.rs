//! Values that are neither messages nor made of several.

use base64::{
    Engine,
    alphabet::{Alphabet, STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    super::{
        plan::{EnumId, Field, Form, Kind},
        stop::{Stop, Unusual},
        wire,
    },
    Reader, Unknown,
    message::Given,
};

/// Both alphabets, padded or not.
const BASE64: [GeneralPurpose; 2] = [base64(&STANDARD), base64(&URL_SAFE)];

const fn base64(alphabet: &Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config)
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Something,
    /// What absence stands for, if the field has no presence.
    Zero,
    /// Nothing: it is to be passed over.
    Nothing,
}

const WRONG: Stop = Stop::Malformed("a value is not of its field's kind");

// === impl Reader ===

impl Reader<'_> {
    /// Writes a value behind its tag; zeros are left out if they mean the same.
    #[inline]
    pub(crate) fn scalar(&mut self, field: &Field, skips_zero: bool) -> Result<Given, Stop> {
        let before = self.out.len();
        field.put_tag(&mut self.out);
        let put = self.scalar_value(field.kind)?;
        if put == Put::Nothing || (skips_zero && put == Put::Zero) {
            self.out.truncate(before);
        }
        Ok(if put == Put::Nothing { Given::Nothing } else { Given::Something })
    }

    /// Writes a value.
    pub(crate) fn scalar_value(&mut self, kind: Kind) -> Result<Put, Stop> {
        match (kind, self.json.peek()) {
            (Kind::Text, _) => self.text(),
            (Kind::Bool, _) => {
                let is_true = self.json.boolean()?;
                self.out.push(u8::from(is_true));
                Ok(if is_true { Put::Something } else { Put::Zero })
            }
            (Kind::Message(_), _) => Err(Unusual::Unplanned.into()),
            (Kind::Enum(id), Some(b'n')) if self.plans.enumeration(id)?.is_null => {
                self.json.word("null")?;
                self.out.push(0);
                Ok(Put::Zero)
            }
            (_, Some(b'"')) => {
                let text = self.json.string()?;
                self.scalar_in_text(kind, &text)
            }
            (Kind::Bytes, _) => Err(WRONG),
            (Kind::Enum(id), _) if self.plans.enumeration(id)?.is_null => Err(WRONG),
            _ => {
                let digits = self.json.number()?;
                self.number(kind, digits)
            }
        }
    }

    #[inline]
    fn text(&mut self) -> Result<Put, Stop> {
        let start = self.out.len();
        if let Some(text) = self.json.plain_string()? {
            wire::put_bytes(&mut self.out, text.as_bytes());
        } else {
            let start = wire::open(&mut self.out);
            self.json.escaped_string(&mut self.out)?;
            wire::close(&mut self.out, start);
        }
        Ok(if self.out.len() == start + 1 { Put::Zero } else { Put::Something })
    }

    fn scalar_in_text(&mut self, kind: Kind, text: &str) -> Result<Put, Stop> {
        match kind {
            Kind::Bytes => {
                let start = wire::open(&mut self.out);
                let [standard, url_safe] = &BASE64;
                let engine = if text.contains(['-', '_']) { url_safe } else { standard };
                engine.decode_vec(text, &mut self.out).map_err(|_wrong| WRONG)?;
                let is_empty = self.out.len() == start;
                wire::close(&mut self.out, start);
                Ok(if is_empty { Put::Zero } else { Put::Something })
            }
            Kind::Enum(id) => self.enumeration(id, text),
            _ => self.number_in_text(kind, text),
        }
    }

    fn enumeration(&mut self, id: EnumId, name: &str) -> Result<Put, Stop> {
        match (self.plans.enumeration(id)?.number(name), self.unknown) {
            (Some(number), _) => {
                wire::put_varint(&mut self.out, i64::from(number).cast_unsigned());
                Ok(if number == 0 { Put::Zero } else { Put::Something })
            }
            (None, Unknown::Refused) => Err(Stop::Malformed("an enum has no such name")),
            (None, Unknown::Skipped) => Ok(Put::Nothing),
        }
    }

    /// Writes a value of a field that is given as a parameter: zeros, too, because
    /// it may be there to override something.
    pub(crate) fn text_of(&mut self, field: &Field, text: &str) -> Result<(), Stop> {
        field.put_tag(&mut self.out);
        match field.kind {
            Kind::Text => wire::put_bytes(&mut self.out, text.as_bytes()),
            Kind::Bool => self.out.push(match text {
                "true" => 1,
                "false" => 0,
                _ => return Err(WRONG),
            }),
            Kind::Enum(_) if text.parse::<i32>().is_ok() => {
                self.number(field.kind, text).map(drop)?;
            }
            Kind::Message(id) => {
                let message = self.plans.message(id)?;
                let start = wire::open(&mut self.out);
                match (message.form, message.fields.first()) {
                    (Form::Wrapper, Some(value)) => self.text_of(value, text)?,
                    _ => self.plain(message.form, text)?,
                }
                wire::close(&mut self.out, start);
            }
            kind => self.scalar_in_text(kind, text).map(drop)?,
        }
        Ok(())
    }
}
