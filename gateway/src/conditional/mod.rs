//! Entity tags, and the conditions that name them (RFC 9110, sections 8.8.3 and 13).
//!
//! A tag is made of the bytes that a service sent, before anything is done with
//! them: whether a client has them already is known before they are transcoded.
//! It does not depend on who asks.

mod shown;

use aws_lc_rs::digest::Digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};

pub(crate) use self::shown::{Shown, canonical};
use crate::{Response, body::Outgoing, compress::Coding};

/// Enough of a hash that nobody finds a second text with the same one.
const HASH_BYTES: usize = 16;
/// Headers about a body that is not sent.
const ABOUT_THE_BODY: [header::HeaderName; 4] =
    [header::CONTENT_ENCODING, header::CONTENT_LENGTH, header::CONTENT_RANGE, header::CONTENT_TYPE];

/// Names what an answer shows, whatever the coding of its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tag(String);

// === impl Tag ===

impl Tag {
    /// The tag of a body.
    pub(crate) fn of(body: &[u8]) -> Self {
        Self::new(None, &aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body))
    }

    /// A version that the service gave it, and a hash of what is shown.
    fn new(version: Option<&str>, digest: &Digest) -> Self {
        let hash = digest.as_ref().get(..HASH_BYTES).unwrap_or_default();
        let hash = URL_SAFE_NO_PAD.encode(hash);
        let version = version.filter(|text| !text.is_empty() && text.bytes().all(is_tag_byte));
        Self(version.map_or(hash.clone(), |version| format!("{version}.{hash}")))
    }

    /// The `ETag` of an answer: a strong one names exact bytes, and so the coding.
    pub(crate) fn header(&self, coding: Option<Coding>) -> HeaderValue {
        let text = match coding {
            None => format!("\"{}\"", self.0),
            Some(coding) => format!("\"{}-{}\"", self.0, coding.name()),
        };
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("\"\""))
    }

    /// The tag of the copy that a client has, if it is one of this.
    pub(crate) fn held(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let codings = Coding::ALL.map(Some).into_iter().chain([None]);
        let names: Vec<_> = codings.map(|coding| self.header(coding)).collect();
        // It is not known yet which bytes `*` would name; that is told later.
        let Some(Condition::Tags(held)) = if_none_match(headers) else { return None };
        names.into_iter().find(|name| held.iter().any(|held| *name == format!("\"{held}\"")))
    }
}

/// What `If-None-Match` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    /// `*`: nothing at all.
    Any,
    /// None of these; without quotes, and weak or not, which does not matter here.
    Tags(Vec<String>),
}

/// Reads `If-None-Match`. A malformed one is none: the answer is whole then, which
/// is never wrong.
fn if_none_match(headers: &HeaderMap) -> Option<Condition> {
    let mut tags = Vec::new();
    let values = headers.get_all(header::IF_NONE_MATCH);
    for value in &values {
        let text = value.to_str().ok()?.trim();
        if text == "*" {
            return (values.iter().count() == 1).then_some(Condition::Any);
        }
        read_tags(text, &mut tags)?;
    }
    (!tags.is_empty()).then_some(Condition::Tags(tags))
}

/// A list of tags: commas may be inside of them.
fn read_tags(mut rest: &str, tags: &mut Vec<String>) -> Option<()> {
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(());
        }
        let (tag, after) =
            rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        let is_separate =
            after.trim_start_matches([' ', '\t']).starts_with(',') || after.trim().is_empty();
        if !is_separate || !tag.bytes().all(is_tag_byte) {
            return None;
        }
        tags.push(tag.to_owned());
        rest = after;
    }
}

/// `etagc` of RFC 9110, without what is not ASCII.
fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"'
}

/// An answer to a client that has it already.
pub(crate) fn unchanged(tag: HeaderValue) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(header::ETAG, tag);
    response
}

/// Whether a request asks to see something.
pub(crate) fn is_look(parts: &Parts) -> bool {
    [Method::GET, Method::HEAD].contains(&parts.method)
}

/// Gives an answer a tag where it has none yet.
pub(crate) fn tag(parts: &Parts, response: &mut Response) {
    let is_shown = is_look(parts) && response.status() == StatusCode::OK;
    if !is_shown || response.headers().contains_key(header::ETAG) {
        return;
    }
    if let Some(body) = response.body().whole().filter(|body| !body.is_empty()) {
        let tag = Tag::of(&body).header(None);
        response.headers_mut().insert(header::ETAG, tag);
    }
}

/// Leaves out the body of an answer that the client has already.
pub(crate) fn check(parts: &Parts, response: &mut Response) {
    if !is_look(parts) || response.status() != StatusCode::OK {
        return;
    }
    let Some(tag) = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()) else {
        return;
    };
    let opaque = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
    let is_held = match if_none_match(&parts.headers) {
        None => false,
        Some(Condition::Any) => true,
        Some(Condition::Tags(held)) => held.iter().any(|held| held == opaque),
    };
    if is_held {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Outgoing::default();
        for name in ABOUT_THE_BODY {
            response.headers_mut().remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(values: &[&'static str]) -> HeaderMap {
        let values = values.iter().map(|value| HeaderValue::from_static(value));
        values.map(|value| (header::IF_NONE_MATCH, value)).collect()
    }

    #[test]
    fn conditions_are_read_as_the_rfc_says_and_malformed_ones_are_none() {
        let tags =
            |tags: &[&str]| Some(Condition::Tags(tags.iter().map(|&tag| tag.into()).collect()));
        for (values, expected) in [
            (&[][..], None),
            (&["*"], Some(Condition::Any)),
            (&[" * "], Some(Condition::Any)),
            (&["\"a\""], tags(&["a"])),
            (&["W/\"a\""], tags(&["a"])),
            (&["\"a,b\", W/\"c\"\t,\"\""], tags(&["a,b", "c", ""])),
            (&[",, \"a\" ,"], tags(&["a"])),
            (&["\"a\"", "\"b\""], tags(&["a", "b"])),
            (&["a"], None),
            (&["\"a"], None),
            (&["w/\"a\""], None),
            (&["\"a\"\"b\""], None),
            (&["\"a\" \"b\""], None),
            (&["\"a b\""], None),
            (&["*", "\"a\""], None),
            (&["\"a\"", "*"], None),
            (&[""], None),
        ] {
            assert_eq!(if_none_match(&asking(values)), expected, "{values:?}");
        }
    }

    #[test]
    fn a_copy_is_known_in_every_coding_and_told_its_own_name() {
        let tag = Tag("3.abc".to_owned());
        for (value, expected) in [
            ("\"3.abc\"", Some("\"3.abc\"")),
            ("\"old\", W/\"3.abc-br\"", Some("\"3.abc-br\"")),
            ("\"3.abc-zstd\"", Some("\"3.abc-zstd\"")),
            ("\"3.abc-gzip\"", Some("\"3.abc-gzip\"")),
            ("\"3.abc-lz4\"", None),
            ("\"3\"", None),
            ("*", None),
        ] {
            let held = tag.held(&asking(&[value]));
            assert_eq!(held.as_ref().map(|tag| tag.to_str().unwrap()), expected, "{value}");
        }
    }

    #[test]
    fn versions_that_do_not_fit_into_a_header_are_left_out() {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"");
        let plain = Tag::new(None, &digest).0;
        assert_eq!(plain.len(), 22);
        for (version, expected) in [
            ("7", format!("7.{plain}")),
            ("", plain.clone()),
            ("a\"b", plain.clone()),
            ("é", plain.clone()),
        ] {
            assert_eq!(Tag::new(Some(version), &digest).0, expected);
        }
    }
}
