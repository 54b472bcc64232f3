//! Texts in quotes: what needs an escape is found many bytes at a time.

use super::super::stop::Stop;

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; 8]);
const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);

/// Escapes often come close together, and most texts are no longer than a UUID, so
/// this many bytes are looked at by the word before larger blocks are.
const NEAR: usize = 40;

/// Writes a text in quotes.
#[inline]
pub(crate) fn put_text(text: &[u8], out: &mut Vec<u8>) -> Result<(), Stop> {
    if !text.is_ascii() && std::str::from_utf8(text).is_err() {
        return Err(Stop::NOT_UTF8);
    }
    let mut rest = text;
    out.reserve(rest.len() + 2);
    out.push(b'"');
    loop {
        let (plain, special) = rest.split_at_checked(plain_length(rest)).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let [byte, after @ ..] = special else { break };
        put_escape(*byte, out);
        rest = after;
    }
    out.push(b'"');
    Ok(())
}

/// How many bytes can be copied until one needs attention: a quote, a backslash
/// or a control character.
#[inline]
pub(super) fn plain_length(text: &[u8]) -> usize {
    let (near, far) = text.split_at_checked(NEAR).unwrap_or((text, &[]));
    let length = plain_words(near);
    if length < near.len() || far.is_empty() {
        return length;
    }
    let (blocks, _) = far.as_chunks::<32>();
    let is_plain =
        |block: &&[u8; 32]| block.iter().fold(0, |found, byte| found | special(*byte)) == 0;
    let blocks = blocks.iter().take_while(is_plain).count() * 32;
    length + blocks + plain_words(far.get(blocks..).unwrap_or_default())
}

/// The same for eight bytes.
#[inline]
pub(super) fn plain_bytes(word: [u8; 8]) -> usize {
    let found = specials(u64::from_le_bytes(word));
    if found == 0 { 8 } else { usize::try_from(found.trailing_zeros() / 8).unwrap_or_default() }
}

/// The same, eight bytes at a time.
#[inline]
fn plain_words(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let plain = plain_bytes(*word);
        if plain < word.len() {
            return number * 8 + plain;
        }
    }
    words.len() * 8 + rest.iter().position(|byte| special(*byte) != 0).unwrap_or(rest.len())
}

#[inline]
fn special(byte: u8) -> u8 {
    u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\')
}

/// Marks the special bytes of eight. Marks above the first may be wrong: a byte
/// lends to the next when it is subtracted from.
#[inline]
fn specials(word: u64) -> u64 {
    let below_one = |word: u64| word.wrapping_sub(ONES) & !word;
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (controls | below_one(word ^ QUOTES) | below_one(word ^ BACKSLASHES)) & HIGH_BITS
}

fn put_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        for text in
            [&b"ab\xff"[..], b"abcdefghijklmnopqrstuvwxyzabcdefghijklmno\xc3", b"\xed\xa0\x80"]
        {
            assert_eq!(put_text(text, &mut Vec::new()), Err(Stop::NOT_UTF8));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn texts_are_written_as_serde_json_writes_them(text in r#"([ -~]{0,40}|["\\\x00-\x1f\x7f]|é|日|😀){0,6}"#) {
            let mut out = Vec::new();
            put_text(text.as_bytes(), &mut out).unwrap();
            prop_assert_eq!(out, serde_json::to_vec(&text).unwrap());
        }
    }
}
