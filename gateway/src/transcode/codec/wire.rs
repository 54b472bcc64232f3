//! The wire format of Protocol Buffers, read and written piece by piece
//! (protobuf.dev/programming-guides/encoding).

use super::stop::{Stop, Unusual};

/// Messages inside messages, as far down as prost goes.
pub(crate) const DEEPEST: u8 = 100;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint,
    Fixed64,
    Length,
    Fixed32,
}

/// What stands in front of a value.
#[derive(Clone, Copy)]
pub(crate) struct Tag {
    pub(crate) number: u32,
    pub(crate) wire_type: WireType,
}

/// A number of 1 to 10 bytes.
#[inline]
pub(crate) fn varint(wire: &mut &[u8]) -> Result<u64, Stop> {
    if let [byte, rest @ ..] = *wire
        && *byte < 0x80
    {
        *wire = rest;
        return Ok(u64::from(*byte));
    }
    long_varint(wire)
}

fn long_varint(wire: &mut &[u8]) -> Result<u64, Stop> {
    const LONGEST: u32 = 10;
    let mut value = 0;
    for place in 0..LONGEST {
        let [byte, rest @ ..] = *wire else { return Err(Stop::TRUNCATED) };
        if place == LONGEST - 1 && *byte > 1 {
            break;
        }
        *wire = rest;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if *byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Stop::Malformed("a number has more than 64 bits"))
}

/// The next tag.
#[inline]
pub(crate) fn tag(wire: &mut &[u8]) -> Result<Tag, Stop> {
    let tag = varint(wire)?;
    let tag = u32::try_from(tag).map_err(|_large| Stop::Malformed("a tag is too large"))?;
    let wire_type = match tag & 7 {
        0 => WireType::Varint,
        1 => WireType::Fixed64,
        2 => WireType::Length,
        3 | 4 => return Err(Unusual::Group.into()),
        5 => WireType::Fixed32,
        _ => return Err(Stop::Malformed("a wire type does not exist")),
    };
    let number = tag >> 3;
    if number == 0 {
        Err(Stop::Malformed("a field has number 0"))
    } else {
        Ok(Tag { number, wire_type })
    }
}

/// The tag of a further value of a list or map, if one follows at once.
#[inline]
pub(crate) fn next_of(number: u32, wire: &mut &[u8]) -> Result<Option<WireType>, Stop> {
    let mut ahead = *wire;
    if ahead.is_empty() {
        return Ok(None);
    }
    let next = tag(&mut ahead)?;
    if next.number != number {
        return Ok(None);
    }
    *wire = ahead;
    Ok(Some(next.wire_type))
}

/// A length and as many bytes.
#[inline]
pub(crate) fn bytes<'a>(wire: &mut &'a [u8]) -> Result<&'a [u8], Stop> {
    let length = usize::try_from(varint(wire)?).map_err(|_large| Stop::TRUNCATED)?;
    let (bytes, rest) = wire.split_at_checked(length).ok_or(Stop::TRUNCATED)?;
    *wire = rest;
    Ok(bytes)
}

/// A number of always the same length.
#[inline]
pub(crate) fn fixed<const N: usize>(wire: &mut &[u8]) -> Result<[u8; N], Stop> {
    let (bytes, rest) = wire.split_first_chunk().ok_or(Stop::TRUNCATED)?;
    *wire = rest;
    Ok(*bytes)
}

/// Passes over a value.
#[inline]
pub(crate) fn skip(wire: &mut &[u8], wire_type: WireType) -> Result<(), Stop> {
    match wire_type {
        WireType::Varint => varint(wire).map(drop),
        WireType::Fixed64 => fixed::<8>(wire).map(drop),
        WireType::Length => bytes(wire).map(drop),
        WireType::Fixed32 => fixed::<4>(wire).map(drop),
    }
}

/// The lower half: numbers of 32 bits may be written with 64.
pub(crate) fn low(value: u64) -> u32 {
    u32::try_from(value & u64::from(u32::MAX)).unwrap_or_default()
}

/// Signed numbers that are short when they are near to 0.
pub(crate) fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Writes a number of 1 to 10 bytes.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Writes a length and as many bytes.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Room for the length of what is written next; most lengths are a byte long.
#[inline]
pub(crate) fn open(out: &mut Vec<u8>) -> usize {
    out.push(0);
    out.len()
}

/// Fills in the length of what was written since `open`.
#[inline]
pub(crate) fn close(out: &mut Vec<u8>, start: usize) {
    let end = out.len();
    let length = end.saturating_sub(start);
    let mut prefix = [0; 10];
    let size = varint_into(&mut prefix, length as u64);
    if size > 1 {
        out.resize(end + size - 1, 0);
        out.copy_within(start..end, start + size - 1);
    }
    let room = out.iter_mut().skip(start.saturating_sub(1));
    room.zip(prefix).take(size).for_each(|(byte, part)| *byte = part);
}

fn varint_into(prefix: &mut [u8; 10], mut value: u64) -> usize {
    let mut size = 0;
    for byte in prefix {
        size += 1;
        *byte = value.to_le_bytes()[0];
        if value < 0x80 {
            break;
        }
        *byte |= 0x80;
        value >>= 7;
    }
    size
}
