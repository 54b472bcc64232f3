//! Numbers, from digits to the wire.

use super::{
    super::{plan::Kind, stop::Stop, wire},
    Reader,
    scalar::Put,
};

const WRONG: Stop = Stop::Malformed("a number is wrong");

// === impl Reader ===

impl Reader<'_> {
    /// Writes a number that a text holds: names of what is no number, too.
    pub(crate) fn number_in_text(&mut self, kind: Kind, text: &str) -> Result<Put, Stop> {
        let is_real = matches!(kind, Kind::Double | Kind::Float);
        let special = match text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        };
        match special {
            Some(value) if is_real => Ok(self.real(kind, value)),
            _ => self.number(kind, text),
        }
    }

    /// Writes a number.
    pub(crate) fn number(&mut self, kind: Kind, digits: &str) -> Result<Put, Stop> {
        if matches!(kind, Kind::Double | Kind::Float) {
            let value = real(digits)?;
            let is_too_large = kind == Kind::Float && value.abs() > f64::from(f32::MAX);
            return if is_too_large { Err(WRONG) } else { Ok(self.real(kind, value)) };
        }
        let value = match kind {
            Kind::Enum(_) => digits.parse().map_err(|_wrong| WRONG)?,
            _ => whole(digits)?,
        };
        let [small, large] = range(kind)?;
        if value < small || value > large { Err(WRONG) } else { Ok(self.whole_number(kind, value)) }
    }

    fn real(&mut self, kind: Kind, value: f64) -> Put {
        let is_zero = if kind == Kind::Float {
            let value = single(value);
            self.out.extend_from_slice(&value.to_le_bytes());
            value.to_bits() == 0
        } else {
            self.out.extend_from_slice(&value.to_le_bytes());
            value.to_bits() == 0
        };
        if is_zero { Put::Zero } else { Put::Something }
    }

    /// Writes a number that its kind has room for.
    fn whole_number(&mut self, kind: Kind, value: i128) -> Put {
        let bits = u64::from_le_bytes(low_half(value.to_le_bytes()));
        match kind {
            Kind::Sint32 | Kind::Sint64 => {
                let value = bits.cast_signed();
                wire::put_varint(&mut self.out, ((value << 1) ^ (value >> 63)).cast_unsigned());
            }
            Kind::Fixed32 | Kind::Sfixed32 => {
                self.out.extend_from_slice(&wire::low(bits).to_le_bytes());
            }
            Kind::Fixed64 | Kind::Sfixed64 => self.out.extend_from_slice(&bits.to_le_bytes()),
            _ => wire::put_varint(&mut self.out, bits),
        }
        if value == 0 { Put::Zero } else { Put::Something }
    }
}

fn low_half(bytes: [u8; 16]) -> [u8; 8] {
    bytes.first_chunk().copied().unwrap_or_default()
}

fn range(kind: Kind) -> Result<[i128; 2], Stop> {
    Ok(match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Enum(_) => {
            [i32::MIN.into(), i32::MAX.into()]
        }
        Kind::Uint32 | Kind::Fixed32 => [0, u32::MAX.into()],
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => [i64::MIN.into(), i64::MAX.into()],
        Kind::Uint64 | Kind::Fixed64 => [0, u64::MAX.into()],
        _ => return Err(WRONG),
    })
}

/// A whole number, be it written as `1.0` or `1e3`.
fn whole(digits: &str) -> Result<i128, Stop> {
    if let Ok(value) = digits.parse::<i64>() {
        return Ok(value.into());
    }
    if let Ok(value) = digits.parse::<i128>() {
        return Ok(value);
    }
    let value = real(digits)?;
    if value.fract() != 0.0 || value.abs() > 1.0e20 { Err(WRONG) } else { Ok(truncated(value)) }
}

/// A finite number.
fn real(digits: &str) -> Result<f64, Stop> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let value = digits.parse().ok().filter(|value: &f64| value.is_finite());
    value.filter(|_| digits.bytes().all(is_digit)).ok_or(WRONG)
}

#[expect(clippy::cast_possible_truncation, reason = "it is whole, and far from the end")]
fn truncated(value: f64) -> i128 {
    value as i128
}

#[expect(clippy::cast_possible_truncation, reason = "it is rounded, which is what is wanted")]
fn single(value: f64) -> f32 {
    value as f32
}
