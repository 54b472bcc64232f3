//! Encoded messages, field by field: enough to find, cut and append fields without
//! knowing the message.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint,
    encoded_len_varint, key_len, skip_field,
};

/// What should be a message is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an encoded message")]
pub(crate) struct Malformed;

/// A field of an encoded message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// Its number.
    pub(crate) number: u32,
    /// What is in it.
    pub(crate) value: Value<'a>,
    /// Where it is, its key included.
    pub(crate) place: Range<usize>,
}

/// What is in a field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A number.
    Varint(u64),
    /// A text, bytes, a message or a packed list.
    Bytes(&'a [u8]),
    /// Something else.
    Other,
}

/// Goes through the fields of a message; what is no message ends with an error.
pub(crate) fn fields(message: &[u8]) -> impl Iterator<Item = Result<Field<'_>, Malformed>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = field(message, &mut rest);
        if field.is_err() {
            rest = &[];
        }
        Some(field)
    })
}

fn field<'a>(message: &'a [u8], rest: &mut &'a [u8]) -> Result<Field<'a>, Malformed> {
    let start = message.len() - rest.len();
    let (number, kind) = decode_key(rest).map_err(|_broken| Malformed)?;
    let value = match kind {
        WireType::Varint => Value::Varint(varint(rest)?),
        WireType::LengthDelimited => {
            // A length that is too large for us is too large for the rest, too.
            let length = usize::try_from(varint(rest)?).unwrap_or(usize::MAX);
            let split = rest.split_at_checked(length);
            let (value, after) = split.ok_or(Malformed)?;
            *rest = after;
            Value::Bytes(value)
        }
        WireType::ThirtyTwoBit
        | WireType::SixtyFourBit
        | WireType::StartGroup
        | WireType::EndGroup => {
            let skipped = skip_field(kind, number, rest, DecodeContext::default());
            skipped.map_err(|_broken| Malformed)?;
            Value::Other
        }
    };
    Ok(Field { number, value, place: start..message.len() - rest.len() })
}

fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    decode_varint(rest).map_err(|_broken| Malformed)
}

/// The last text or bytes in a field of a message.
pub(crate) fn find(message: &[u8], number: u32) -> Option<&[u8]> {
    let fields = fields(message).map_while(Result::ok).filter(|field| field.number == number);
    let values = fields.filter_map(|field| match field.value {
        Value::Bytes(value) => Some(value),
        Value::Varint(_) | Value::Other => None,
    });
    values.last()
}

/// Appends a field of bytes, a text or a message. In a message it then is the one
/// that counts; a message in it is merged into the earlier one.
pub(crate) fn append(message: &mut BytesMut, number: u32, bytes: &[u8]) {
    message.reserve(encoded_len(number, bytes.len()));
    append_head(message, number, bytes.len());
    message.extend_from_slice(bytes);
}

/// Begins a field of a length that others fill.
pub(crate) fn append_head(message: &mut BytesMut, number: u32, length: usize) {
    encode_key(number, WireType::LengthDelimited, message);
    encode_varint(length as u64, message);
}

/// How long a field of bytes is, its head included.
pub(crate) fn encoded_len(number: u32, length: usize) -> usize {
    key_len(number) + encoded_len_varint(length as u64) + length
}

/// A message without some of its places, which are in order.
pub(crate) fn without(message: &Bytes, cut: &[Range<usize>]) -> Bytes {
    if cut.is_empty() {
        return message.clone();
    }
    let mut kept = BytesMut::with_capacity(message.len());
    let mut from = 0;
    for place in cut {
        kept.extend_from_slice(message.get(from..place.start).unwrap_or_default());
        from = place.end;
    }
    kept.extend_from_slice(message.get(from..).unwrap_or_default());
    kept.freeze()
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::Timestamp;
    use proto::auth::v1::GetUserRequest;

    use super::*;

    #[test]
    fn fields_are_found_cut_and_appended() {
        let request = GetUserRequest { user_id: "ann".to_owned() };
        let message = Bytes::from(request.encode_to_vec());
        let found: Vec<_> = fields(&message).map(Result::unwrap).collect();
        let place = 0..message.len();
        assert_eq!(found, [Field { number: 1, value: Value::Bytes(b"ann"), place: place.clone() }]);
        assert_eq!(find(&message, 1), Some(&b"ann"[..]));
        assert_eq!(find(&message, 2), None);
        assert!(without(&message, &[place]).is_empty());

        let mut longer = BytesMut::from(&message[..]);
        append(&mut longer, 9, b"xy");
        append(&mut longer, 1, b"bob");
        assert_eq!(GetUserRequest::decode(&longer[..]).unwrap().user_id, "bob");
        assert_eq!(find(&longer, 1), Some(&b"bob"[..]));
        let places: Vec<_> = fields(&longer).map(|field| field.unwrap().place).collect();
        let left = without(&longer.freeze(), &places[1..]);
        assert_eq!(left, message);
    }

    #[test]
    fn numbers_are_read_and_what_is_no_message_is_an_error() {
        let time = Timestamp { seconds: 300, nanos: 0 }.encode_to_vec();
        let values: Vec<_> = fields(&time).map(|field| field.unwrap().value).collect();
        assert_eq!(values, [Value::Varint(300)]);
        for broken in [
            &b"\x0a"[..],
            b"\x0a\x05ab",
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\xff",
            b"\x07",
            b"\x0b",
        ] {
            assert!(fields(broken).any(|field| field.is_err()), "{broken:?}");
            assert!(fields(broken).count() <= 2);
        }
    }
}
