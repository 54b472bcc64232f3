//! Percent-encoding (RFC 3986, section 2.1), both ways.

use std::fmt::Write;

/// Decodes a text; none when an escape is incomplete or the result is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'%' { hex(bytes.next()?)? << 4 | hex(bytes.next()?)? } else { byte };
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok()
}

/// Decodes a part of a query, in which `+` is a space.
pub(crate) fn decode_query(text: &str) -> Option<String> {
    decode(&text.replace('+', " "))
}

/// Encodes everything but unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            // Writing to a string does not fail.
            other => write!(encoded, "%{other:02X}").unwrap_or_default(),
        }
    }
    encoded
}

fn hex(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broken_escapes_are_not_guessed_at() {
        assert_eq!(decode("a%20b%C3%A9").as_deref(), Some("a bé"));
        for bad in ["%", "%2", "%zz", "%ff", "%c3", "%+1"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(text: String) {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
        }
    }
}
