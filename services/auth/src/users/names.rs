//! User names and addresses in the forms in which they are compared.
//!
//! User names are ASCII, which the contract says: they stand in links and
//! mentions, and no other alphabet can imitate them. What looks alike within ASCII
//! counts as the same name. Display names are for names in any script.

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton;
use url::Host;

/// A user name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Username {
    /// As its owner writes it.
    pub(crate) text: String,
    /// The same for all names that look like it (UTS 39, section 4).
    pub(crate) skeleton: String,
}

/// Names that would be taken for the product's own (RFC 2142 has the mailboxes),
/// and what paths may come to be called.
const RESERVED: [&str; 54] = [
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "admins",
    "anonymous",
    "api",
    "auth",
    "billing",
    "bot",
    "contact",
    "docs",
    "everyone",
    "guest",
    "help",
    "helpdesk",
    "hostmaster",
    "info",
    "legal",
    "login",
    "logout",
    "mainstay",
    "me",
    "mod",
    "moderator",
    "moderators",
    "news",
    "nobody",
    "noreply",
    "null",
    "official",
    "operator",
    "owner",
    "postmaster",
    "press",
    "privacy",
    "register",
    "root",
    "security",
    "service",
    "settings",
    "signin",
    "signout",
    "signup",
    "staff",
    "status",
    "superuser",
    "support",
    "sysadmin",
    "system",
    "undefined",
    "webmaster",
    "www",
];

/// The one form of an address that is stored and compared: no space around it, the
/// local part in lower case, the domain in lower-case ASCII (IDNA, UTS 46). What is
/// no address is nobody's.
pub(crate) fn normal_email(email: &str) -> String {
    address(email).unwrap_or_else(|| email.trim().to_lowercase())
}

/// The same for an address that mail could reach.
pub(super) fn address(email: &str) -> Option<String> {
    let (local, domain) = email.trim().rsplit_once('@')?;
    let domain = if domain.is_ascii() {
        domain.to_ascii_lowercase()
    } else {
        match Host::parse(domain).ok()? {
            Host::Domain(domain) => domain,
            Host::Ipv4(_) | Host::Ipv6(_) => return None,
        }
    };
    let is_address = local.is_ascii() && !local.is_empty() && domain.split('.').all(is_label);
    let address = format!("{}@{domain}", local.to_ascii_lowercase());
    (is_address && address.len() <= 254).then_some(address)
}

/// Whether a domain name may have this part (RFC 1123, section 2.1).
fn is_label(label: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_edged = label.starts_with('-') || label.ends_with('-');
    (1..=63).contains(&label.len()) && !is_edged && label.bytes().all(is_inner)
}

/// A display name: composed, and without characters that nobody sees or that turn
/// the text around them.
pub(super) fn display_name(name: &str) -> String {
    let is_seen = |char: &char| {
        let turns = matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let hides = matches!(char, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}');
        !char.is_control() && !turns && !hides
    };
    let composed: String = name.nfc().filter(is_seen).collect();
    composed.trim().to_owned()
}

// === impl Username ===

impl Username {
    /// A name that the contract allows.
    pub(crate) fn new(text: String) -> Self {
        let skeleton = skeleton(&text).collect::<String>().to_lowercase();
        Self { text, skeleton }
    }

    /// Whether it is, or looks like, one that nobody may take: whatever digits are
    /// put behind it or in place of letters, and whatever signs between them.
    pub(crate) fn is_reserved(&self) -> bool {
        let bare: String = self.text.chars().filter(char::is_ascii_alphanumeric).collect();
        let stem = bare.trim_end_matches(|char: char| char.is_ascii_digit());
        let forms = [plain(&bare), plain(stem)];
        RESERVED.iter().map(|name| plain(name)).any(|name| forms.contains(&name))
    }
}

/// A name without case and without the usual substitutes for letters.
fn plain(name: &str) -> String {
    let letters = name.chars().map(|char| match char.to_ascii_lowercase() {
        '0' => 'o',
        '1' | 'l' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        '8' => 'b',
        other => other,
    });
    letters.collect::<String>().replace("rn", "m").replace("vv", "w")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        for (written, form) in [
            (" Ann@Example.COM ", Some("ann@example.com")),
            ("ann@BÜCHER.example", Some("ann@xn--bcher-kva.example")),
            ("ann@bu\u{308}cher.example", Some("ann@xn--bcher-kva.example")),
            ("ann@xn--bcher-kva.example", Some("ann@xn--bcher-kva.example")),
            ("ann@example。com", Some("ann@example.com")),
            ("ann+news@example.com", Some("ann+news@example.com")),
            ("ann@localhost", Some("ann@localhost")),
            ("änn@example.com", None),
            ("ann@", None),
            ("@example.com", None),
            ("ann@-example.com", None),
            ("ann@exa mple.com", None),
            ("ann@example..com", None),
            ("ann@１２７.0.0.1", None),
            ("ann@\u{80}.com", None),
        ] {
            assert_eq!(address(written).as_deref(), form, "{written}");
        }
        assert_eq!(address(&format!("ann@{}.com", "a".repeat(64))), None);
        assert_eq!(normal_email(" Nonsense "), "nonsense");
    }

    #[test]
    fn names_that_look_alike_are_one() {
        let skeleton = |name: &str| Username::new(name.to_owned()).skeleton;
        for (one, other) in [
            ("paypal", "paypaI"),
            ("paypal", "paypa1"),
            ("bo0k", "book"),
            ("mary", "rnary"),
            ("Lan", "lan"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        for (one, other) in [("ann", "anne"), ("mail", "mall"), ("a.b", "a-b"), ("ann1", "ann2")] {
            assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
        }
    }

    /// The migration that gave names their skeletons has this rule in SQL.
    #[test]
    fn skeletons_are_those_of_the_migration() {
        let allowed = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['.', '_', '-']);
        for char in allowed {
            let swapped = match char {
                '0' => "O".to_owned(),
                '1' | 'I' => "l".to_owned(),
                'm' => "rn".to_owned(),
                other => other.to_string(),
            };
            let name = Username::new(format!("a{char}b"));
            assert_eq!(name.skeleton, format!("a{swapped}b").to_lowercase(), "{char}");
        }
    }

    #[test]
    fn nobody_is_taken_for_the_product() {
        let is_reserved = |name: &str| Username::new(name.to_owned()).is_reserved();
        for name in [
            "admin",
            "Admin",
            "ADM1N",
            "adm1n",
            "4dm1n",
            "a.d.m.i.n",
            "admin2",
            "admin-",
            "adrnin",
            "r00t",
            "root_1",
            "s3curity",
            "SUPP0RT24",
            "post-master",
            "no-reply",
            "me1",
            "m-e",
            "vvebmaster",
            "5up3ru53r",
            "ap1",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["ann", "administra", "supporter", "rooted", "apiary", "demo", "123", "mel"] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn display_names_hide_nothing() {
        assert_eq!(display_name(" Zoe\u{308} "), "Zo\u{eb}");
        assert_eq!(display_name("ann\u{202e}nimda\u{200b}\u{7}"), "annnimda");
        assert_eq!(display_name("👩\u{200d}🚀 Мария"), "👩\u{200d}🚀 Мария", "joiners are needed");
    }
}
