//! What a password may be. Length counts, and that it is not what attackers try
//! first; what kinds of characters it has does not (NIST SP 800-63B-4, section
//! 3.1.1.2; OWASP ASVS 5.0, V6.2).

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization as _;

use super::common::is_common;

/// The words that whoever attacks this account tries first.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnWords {
    /// No password may hold one of these.
    names: Vec<String>,
    /// No password may be little more than these.
    words: Vec<String>,
}

/// What is wrong with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weakness {
    TooShort,
    ContainsName,
    TooCommon,
}

/// Of this product.
const PRODUCT: &str = "mainstay";
/// In characters (code points), for a password that is all that is asked for.
const SHORTEST: usize = 12;
/// A name of fewer letters is in many words by chance.
const SHORTEST_NAME: usize = 4;
const SHORTEST_WORD: usize = 3;
/// What must be there besides one's own words.
const LEAST_BESIDE_WORDS: usize = 8;
/// Ten to the power of this many guesses are no guesses: lists of passwords that
/// leaked, with the usual changes to each, are about that long.
const FEWEST_GUESSES_LOG10: f64 = 6.0;

/// The one form of a password, however a keyboard composes its characters.
pub(super) fn normal(password: &SecretString) -> SecretString {
    password.expose_secret().nfkc().collect::<String>().into()
}

/// Checks a password in its normal form.
pub(super) fn check(password: &SecretString, own: &OwnWords) -> Result<(), Weakness> {
    let password = password.expose_secret();
    if password.chars().count() < SHORTEST {
        return Err(Weakness::TooShort);
    }
    if own.are_in(&folded(password)) {
        return Err(Weakness::ContainsName);
    }
    if is_common(password) {
        return Err(Weakness::TooCommon);
    }
    let own: Vec<_> = own.names.iter().chain(&own.words).map(String::as_str).collect();
    let guesses = zxcvbn::zxcvbn(password, &own).guesses_log10();
    if guesses < FEWEST_GUESSES_LOG10 { Err(Weakness::TooCommon) } else { Ok(()) }
}

// === impl OwnWords ===

impl OwnWords {
    /// The words of an account.
    pub(crate) fn new(email: &str, username: &str, display_name: &str) -> Self {
        let (local, domain) = email.rsplit_once('@').unwrap_or((email, ""));
        let mut names = vec![username, local, PRODUCT];
        names.extend(display_name.split_whitespace());
        let mut words = names.clone();
        words.extend(local.split(|char: char| !char.is_alphanumeric()));
        words.extend(domain.rsplit('.').skip(1));
        Self { names: all(&names, SHORTEST_NAME), words: all(&words, SHORTEST_WORD) }
    }

    /// Whether a folded password holds a name, or is little more than own words.
    fn are_in(&self, password: &str) -> bool {
        if self.names.iter().any(|name| password.contains(name.as_str())) {
            return true;
        }
        let left = self.words.iter().fold(password.to_owned(), |left, word| left.replace(word, ""));
        left != password && left.chars().count() < LEAST_BESIDE_WORDS
    }
}

/// Words in their folded form, the longest first.
fn all(words: &[&str], shortest: usize) -> Vec<String> {
    let mut all: Vec<_> =
        words.iter().map(|word| folded(word)).filter(|it| it.chars().count() >= shortest).collect();
    all.sort_by_key(|word| std::cmp::Reverse(word.len()));
    all.dedup();
    all
}

/// A text without case, signs and the usual substitutes for letters.
fn folded(text: &str) -> String {
    let lower = text.nfkc().flat_map(char::to_lowercase);
    let letters = lower.map(|char| match char {
        '0' => 'o',
        '1' | 'i' | '!' | '|' => 'l',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        other => other,
    });
    letters.filter(|char| char.is_alphanumeric()).collect()
}

// === impl Weakness ===

impl Weakness {
    /// Its code and its words for the caller.
    pub(super) fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::TooShort => ("TOO_SHORT", "must be at least 12 characters"),
            Self::ContainsName => (
                "PASSWORD_CONTAINS_NAME",
                "must not hold your name, your address or the name of this product",
            ),
            Self::TooCommon => (
                "PASSWORD_TOO_COMMON",
                "is among the first that attackers try; take several words that have nothing to do with each other",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(password: &str) -> Result<(), Weakness> {
        let own = OwnWords::new("ann.lee+news@acme.example.com", "Marianne", "Ann Öztürk");
        check(&normal(&password.into()), &own)
    }

    #[test]
    fn long_passwords_are_good_whatever_is_in_them() {
        for password in [
            "correct horse battery",
            "three-mild-winters",
            "   spaces   are   fine   ",
            "почему бы и нет",
            "🦀🐢🦀🐍🦀🐙🦀🐬🦀🐧🦀🐳",
            "qzjvwkxpfhtb",
            "channel tunnel train",
            "0123456789abcdef fedcba9876543210",
        ] {
            assert_eq!(checked(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn what_attackers_try_first_is_refused() {
        for password in [
            "password1234",
            "Password1234!",
            "123456789012",
            "qwertyuiop12",
            "aaaaaaaaaaaa",
            "p4ssw0rdp4ssw0rd",
            "iloveyou1234",
            "letmein12345",
            "abcdefghijkl",
            &"x7".repeat(64),
            "drowssap4321",
            "1q2w3e4r5t6y",
            // On lists only.
            "1q2w3e4r5t6y7u8i",
            "LinkedIn2011",
        ] {
            assert_eq!(checked(password), Err(Weakness::TooCommon), "{password}");
        }
    }

    #[test]
    fn own_words_are_refused() {
        for password in [
            "marianne loves tea and more",
            "M4R1ANN3 loves tea",
            "m.a.r.i.a.n.n.e-1987",
            "my mainstay is strong",
            "öztürk and company",
            "OZTU\u{308}RK O\u{308}ZTU\u{308}RK",
            "acme-example-1",
            "lee lee lee lee lee",
        ] {
            assert_eq!(checked(password), Err(Weakness::ContainsName), "{password}");
        }
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(checked("пароль-сило"), Err(Weakness::TooShort));
        // Twelve code points that are six characters.
        assert_eq!(checked(&"e\u{301}".repeat(6)), Err(Weakness::TooShort));
    }

    #[test]
    fn one_password_whatever_the_keyboard() {
        let [one, other] = ["Zu\u{308}rich \u{fb01}nden wir gut", "Z\u{fc}rich finden wir gut"]
            .map(|it| normal(&it.into()).expose_secret().to_owned());
        assert_eq!(one, other);
    }
}
