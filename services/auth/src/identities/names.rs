//! Names for those whom another site sends.

use openidconnect::{AdditionalClaims, EndUserEmail, GenderClaim, IdTokenClaims, StandardClaims};

use super::Claimed;

const FEWEST_CHARS: usize = 3;
/// With room for what makes a name unique.
const MOST_CHARS: usize = 30;
const MOST_DISPLAY_CHARS: usize = 100;
const MOST_EMAIL_CHARS: usize = 254;

// === impl Claimed ===

impl Claimed {
    /// Reads what an ID token says about somebody.
    pub(super) fn read<A: AdditionalClaims, G: GenderClaim>(claims: &IdTokenClaims<A, G>) -> Self {
        let name = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str());
        Self {
            issuer: claims.issuer().as_str().to_owned(),
            subject: claims.subject().as_str().to_owned(),
            email: email(claims.email()),
            is_email_verified: claims.email_verified() == Some(true),
            username: username(claims.preferred_username().map(|name| name.as_str()), name),
            display_name: display_name(name),
        }
    }

    /// Takes over what the site says elsewhere about the same somebody.
    pub(super) fn complete<G: GenderClaim>(&mut self, claims: &StandardClaims<G>) {
        let name = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str());
        self.email = email(claims.email());
        self.is_email_verified = claims.email_verified() == Some(true);
        self.username = username(claims.preferred_username().map(|name| name.as_str()), name);
        self.display_name = display_name(name);
    }
}

/// An address that could be one.
fn email(claimed: Option<&EndUserEmail>) -> Option<String> {
    let email = crate::users::normal_email(claimed?.as_str());
    let (local, domain) = email.rsplit_once('@')?;
    let is_plain = !email.chars().any(|c| c.is_whitespace() || c.is_control());
    let has_both = !local.is_empty() && domain.contains('.') && !domain.starts_with('.');
    (is_plain && has_both && email.chars().count() <= MOST_EMAIL_CHARS).then_some(email)
}

/// A user name that obeys the rules of ours. An e-mail address is nobody else's
/// business, so none is made of it.
fn username(preferred: Option<&str>, name: Option<&str>) -> String {
    let names = [preferred.map(|name| name.split('@').next().unwrap_or_default()), name];
    let mut plain = names.into_iter().flatten().map(plain);
    plain.find(|name| name.len() >= FEWEST_CHARS).unwrap_or_else(|| "user".to_owned())
}

/// What is left of a name in our alphabet.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for c in name.trim().chars().take(4 * MOST_CHARS) {
        match c {
            c if c.is_ascii_alphanumeric() => plain.push(c.to_ascii_lowercase()),
            ' ' | '.' | '_' | '-' if !plain.is_empty() && !plain.ends_with('-') => plain.push('-'),
            _ => {}
        }
    }
    plain.truncate(MOST_CHARS);
    plain.trim_end_matches('-').to_owned()
}

fn display_name(name: Option<&str>) -> String {
    let name = name.unwrap_or_default().trim();
    name.chars().filter(|c| !c.is_control()).take(MOST_DISPLAY_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_obey_our_rules_and_give_no_address_away() {
        for (preferred, name, expected) in [
            (Some("ann"), Some("Ann Lee"), "ann"),
            (Some("Ann.Lee@corp.example"), None, "ann-lee"),
            (None, Some("Ann  Lee"), "ann-lee"),
            (Some("漢字"), Some("Ann Lee"), "ann-lee"),
            (Some("x"), None, "user"),
            (Some("--._"), Some("../../etc"), "etc"),
            (Some("<script>"), None, "script"),
            (None, None, "user"),
        ] {
            assert_eq!(username(preferred, name), expected);
        }
        assert_eq!(username(Some(&"a".repeat(500)), None).len(), MOST_CHARS);
        assert_eq!(display_name(Some(" Ann\u{0}\n Lee ")), "Ann Lee");
    }

    #[test]
    fn only_what_could_be_an_address_is_one() {
        let read = |text: &str| email(Some(&EndUserEmail::new(text.to_owned())));
        assert_eq!(read(" Ann@Example.COM ").unwrap(), "ann@example.com");
        for wrong in
            ["", "ann", "@example.com", "ann@", "ann@localhost", "a b@example.com", "a@b.c\0"]
        {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
        assert_eq!(read(&format!("{}@example.com", "a".repeat(250))), None);
    }
}
