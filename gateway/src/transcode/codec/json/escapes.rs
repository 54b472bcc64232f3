//! Texts with escapes in them, copied while they are looked at.

use super::{
    super::stop::Stop,
    cursor::{Cursor, MALFORMED},
    text::{plain_bytes, plain_length},
};

// === impl Cursor ===

impl Cursor<'_> {
    /// Reads the rest of a text after its first quote.
    pub(crate) fn escaped_string(&mut self, out: &mut Vec<u8>) -> Result<(), Stop> {
        let text = self.text.as_bytes();
        let mut rest = text.get(self.at..).unwrap_or_default();
        loop {
            let special;
            if let Some((word, after)) = rest.split_first_chunk() {
                // A word is copied faster than a part of it.
                out.extend_from_slice(word);
                let plain = plain_bytes(*word);
                if plain == word.len() {
                    rest = after;
                    continue;
                }
                out.truncate(out.len() - word.len() + plain);
                special = rest.get(plain..).unwrap_or_default();
            } else {
                let plain = plain_length(rest);
                let (plain, after) = rest.split_at_checked(plain).ok_or(MALFORMED)?;
                out.extend_from_slice(plain);
                special = after;
            }
            match special {
                [b'"', after @ ..] => {
                    self.at = text.len() - after.len();
                    return Ok(());
                }
                [b'\\', b'u', after @ ..] => {
                    self.at = text.len() - after.len();
                    let character = self.character()?;
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    rest = text.get(self.at..).unwrap_or_default();
                }
                [b'\\', byte, after @ ..] => {
                    out.push(unescaped(*byte).ok_or(MALFORMED)?);
                    rest = after;
                }
                _ => return Err(MALFORMED),
            }
        }
    }

    /// Four digits, or twice four with an escape between them.
    fn character(&mut self) -> Result<char, Stop> {
        let first = self.four_digits()?;
        let is_one_of_two = (0xd800..0xdc00).contains(&first);
        if !is_one_of_two {
            return char::from_u32(u32::from(first)).ok_or(MALFORMED);
        }
        if !self.skip_byte(b"\\") || !self.skip_byte(b"u") {
            return Err(MALFORMED);
        }
        let pair = [first, self.four_digits()?];
        let character = char::decode_utf16(pair).next().and_then(Result::ok);
        character.ok_or(MALFORMED)
    }

    fn four_digits(&mut self) -> Result<u16, Stop> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(MALFORMED)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(MALFORMED);
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).map_err(|_never| MALFORMED)
    }
}

/// What a letter behind a backslash stands for.
#[inline]
fn unescaped(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    })
}
