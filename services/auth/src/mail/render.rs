//! From a letter to what is read: templates, and values that stay values.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::Letter;

/// What a recipient reads.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// One line.
    pub subject: String,
    /// For whoever reads text.
    pub text: String,
    /// For whoever reads HTML; it says the same.
    pub html: String,
}

/// What a letter is made from: the text, with its subject in the first line, and
/// the HTML.
struct Template {
    text: &'static str,
    html: &'static str,
}

/// The longest value that is shown whole.
const LONGEST: usize = 2_000;

macro_rules! template {
    ($name:literal) => {
        Template {
            text: include_str!(concat!("templates/", $name, ".txt")),
            html: include_str!(concat!("templates/", $name, ".html")),
        }
    };
}

const LAYOUT: Template = template!("layout");

/// Writes a letter in the name of a product.
pub(super) fn write(letter: &Letter, product: &str) -> Written {
    let Template { text, html } = template(letter);
    let values = values(letter, product);
    let value = |name: &str| values.get(name).map(plain).unwrap_or_default();
    let (head, text) = text.split_once("\n\n").unwrap_or_default();
    let subject = fill(head.trim_start_matches("Subject: "), &value);
    let text = fill(text, &value);
    let html = fill(html, &|name| escaped(&value(name)));
    Written {
        text: fill(LAYOUT.text, &|name| if name == "body" { text.clone() } else { value(name) }),
        html: fill(LAYOUT.html, &|name| match name {
            "body" => html.clone(),
            "subject" => escaped(&subject),
            name => escaped(&value(name)),
        }),
        subject,
    }
}

fn template(letter: &Letter) -> Template {
    match letter {
        Letter::EmailVerification { .. } => template!("email_verification"),
        Letter::AlreadySignedUp { .. } => template!("already_signed_up"),
        Letter::EmailChange { .. } => template!("email_change"),
        Letter::EmailChanged { .. } => template!("email_changed"),
        Letter::PasswordReset { .. } => template!("password_reset"),
        Letter::PasswordChanged {} => template!("password_changed"),
        Letter::NewDevice { .. } => template!("new_device"),
        Letter::SessionStolen { .. } => template!("session_stolen"),
        Letter::FactorsChanged { .. } => template!("factors_changed"),
        Letter::IdentitiesChanged { .. } => template!("identities_changed"),
        Letter::AccountErased { .. } => template!("account_erased"),
    }
}

/// What a letter says, by the names that its template has for it.
fn values(letter: &Letter, product: &str) -> Map<String, Value> {
    let mut values = match serde_json::to_value(letter) {
        Ok(Value::Object(values)) => values,
        Ok(_) | Err(_) => Map::new(),
    };
    values.insert("product".to_owned(), product.into());
    values
}

/// One line, whatever somebody put into it: no line of its own, no other direction
/// of writing.
fn plain(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed);
    let is_seen = |c: char| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let seen = text.chars().filter(|c| is_seen(*c)).take(LONGEST);
    seen.map(|c| if is_break(c) { ' ' } else { c }).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Replaces each `{name}` once: what a value says is not looked at again.
fn fill(template: &str, value: &impl Fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        filled.push_str(before);
        filled.push_str(&value(name));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Written").field("subject", &self.subject).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str) -> String {
        format!("«{name}»")
    }

    fn all() -> Vec<Letter> {
        let (code, link, minutes) = (|| text("code"), || text("link"), 1234);
        let (device, address) = (|| text("device"), || text("address"));
        vec![
            Letter::EmailVerification { code: code(), link: link(), minutes },
            Letter::AlreadySignedUp { link: link() },
            Letter::EmailChange { code: code(), link: link(), minutes },
            Letter::EmailChanged { new_email: text("new_email") },
            Letter::PasswordReset { code: code(), link: link(), minutes },
            Letter::PasswordChanged {},
            Letter::NewDevice { device: device(), address: address() },
            Letter::SessionStolen { device: device(), address: address() },
            Letter::FactorsChanged { change: text("change") },
            Letter::IdentitiesChanged { change: text("change") },
            Letter::AccountErased { receipt: text("receipt") },
        ]
    }

    /// Which templates there are is known to the folder, which letters to a match.
    #[test]
    fn every_letter_is_among_those_that_are_tested() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/mail/templates");
        let files = std::fs::read_dir(folder).unwrap();
        let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<_> = files.filter(|name| !name.starts_with("layout")).collect();
        files.sort();
        let kinds = all().iter().map(Letter::kind).collect::<Vec<_>>();
        let mut expected: Vec<_> =
            kinds.iter().flat_map(|kind| [format!("{kind}.html"), format!("{kind}.txt")]).collect();
        expected.sort();
        assert_eq!(files, expected);
    }

    #[test]
    fn every_letter_says_all_that_it_has_to_say_and_leaves_no_gap() {
        for letter in all() {
            let written = write(&letter, "«product»");
            let kind = letter.kind();
            for side in [&written.text, &written.html] {
                assert!(!side.contains(['{', '}']), "{kind}: {side}");
                for (name, value) in values(&letter, "«product»") {
                    let value = plain(&value);
                    assert!(name == "kind" || side.contains(&value), "{kind}: no {name}: {side}");
                }
            }
            let Template { text, html } = template(&letter);
            for name in [text, html].iter().flat_map(|side| side.split('{').skip(1)) {
                let name = name.split_once('}').unwrap().0;
                let is_known = values(&letter, "x").contains_key(name);
                assert!(is_known, "{kind}: there is no {name}");
            }
            assert!(!written.subject.is_empty() && !written.subject.contains('\n'), "{kind}");
            assert!(!written.html.contains("<img") && !written.html.contains("src="), "{kind}");
        }
    }

    #[test]
    fn what_somebody_says_stays_what_somebody_says() {
        let device = "<b>\"x\"</b>\r\n\r\nBcc: all@example.com {address}\u{202e}'&";
        let letter = Letter::NewDevice { device: device.to_owned(), address: "::1".to_owned() };
        let Written { text, html, .. } = write(&letter, "A\r\nB");
        let line = "Device: <b>\"x\"</b>    Bcc: all@example.com {address}'&\n";
        assert!(text.contains(line), "{text}");
        assert!(!html.contains("<b>"), "{html}");
        let line = "&lt;b&gt;&quot;x&quot;&lt;/b&gt;    Bcc: all@example.com {address}&#39;&amp;";
        assert!(html.contains(line), "{html}");
        assert!(text.ends_with("-- \nA  B\n"), "{text}");
    }
}
