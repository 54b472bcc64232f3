//! Recovery codes: 120 random bits each, in letters that are hard to misread.

use aws_lc_rs::{digest, rand};

/// How many an account gets.
pub(super) const COUNT: usize = 10;

const BYTES: usize = 15;
const GROUP: usize = 4;
/// Crockford's Base32: no I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A new set of codes.
pub(super) fn draw() -> Vec<String> {
    (0..COUNT).map(|_| code()).collect()
}

/// What the database knows of a code. It is too random to need salt or work.
pub(super) fn hash(code: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, normal(code).as_bytes()).as_ref().to_vec()
}

/// The form that is hashed: what was misread or typed in another case is the same.
fn normal(code: &str) -> String {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    let letters = letters.map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    });
    letters.collect()
}

#[expect(clippy::expect_used, reason = "without randomness nothing here is safe to go on")]
fn code() -> String {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).expect("the system's random numbers");
    let bits =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| usize::from((byte >> bit) & 1)));
    let bits: Vec<_> = bits.collect();
    let index = |bits: &[usize]| bits.iter().fold(0, |index, bit| index * 2 + bit);
    let letters = bits.chunks(5).filter_map(|bits| ALPHABET.get(index(bits)));
    let letters: Vec<_> = letters.map(|letter| char::from(*letter)).collect();
    let groups: Vec<String> = letters.chunks(GROUP).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_have_120_bits_and_are_never_the_same() {
        let codes: BTreeSet<_> = (0..100).flat_map(|_| draw()).collect();
        assert_eq!(codes.len(), 1_000);
        for code in &codes {
            assert_eq!((code.len(), normal(code).len()), (29, 24), "{code}");
            assert!(normal(code).bytes().all(|letter| ALPHABET.contains(&letter)), "{code}");
        }
        let letters: BTreeSet<_> =
            codes.iter().flat_map(|code| normal(code).into_bytes()).collect();
        assert_eq!(letters.len(), ALPHABET.len(), "every letter comes up");
    }

    #[test]
    fn codes_may_be_typed_as_people_type() {
        assert_eq!(hash("0123-ABCD"), hash(" oi23 abcd"));
        assert_ne!(hash("0123-ABCD"), hash("0123-ABCE"));
    }
}
