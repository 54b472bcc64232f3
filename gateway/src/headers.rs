//! Headers that reach a service: as a field of its request where the contract
//! says so, or as metadata.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use platform::{
    idempotency::{self, IDEMPOTENCY_KEY},
    status::Reason,
};
use prost::encoding;

use crate::{
    download,
    problem::Problem,
    route::{HeaderField, Rpc},
};

/// What a service is told when a client names only tags that it cannot have been
/// given: that of no version.
const NO_VERSION: &str = "-";
/// Longer than any condition or id that a client was given.
const LONGEST: usize = 4 * 1024;

/// Adds the fields that headers fill to a message. Behind another value of the
/// same field they replace it, as protobuf merges.
pub(crate) fn fill(
    rpc: &Rpc,
    (method, headers): (&Method, &HeaderMap),
    message: Bytes,
) -> Result<Bytes, Box<Problem>> {
    refuse_unchecked_condition(rpc, headers)?;
    let mut filled: Option<BytesMut> = None;
    for HeaderField { field, header } in &rpc.headers {
        let Some(text) = text(header, method, headers)? else { continue };
        let message = filled.get_or_insert_with(|| BytesMut::from(&*message));
        encoding::string::encode(field.number(), &text, message);
    }
    Ok(filled.map_or(message, BytesMut::freeze))
}

/// What goes along with a call that changes something: the key by which it is
/// recognised when it is sent again.
pub(crate) fn metadata(rpc: &Rpc, headers: &HeaderMap) -> Result<HeaderMap, Box<Problem>> {
    let mut metadata = HeaderMap::new();
    if !rpc.has_side_effects {
        return Ok(metadata);
    }
    let invalid = || Problem::of(Reason::IDEMPOTENCY_KEY_INVALID);
    if let Some(key) = idempotency::key(headers).map_err(|_status| invalid())? {
        let key = HeaderValue::try_from(key).map_err(|_unprintable| invalid())?;
        metadata.insert(IDEMPOTENCY_KEY, key);
    }
    Ok(metadata)
}

/// A condition that nobody checks must not look as if it had been met.
fn refuse_unchecked_condition(rpc: &Rpc, headers: &HeaderMap) -> Result<(), Box<Problem>> {
    let is_checked = rpc.headers.iter().any(|field| field.header == header::IF_MATCH);
    let others = [header::IF_NONE_MATCH, header::IF_UNMODIFIED_SINCE];
    if let Some(name) = others.iter().find(|name| headers.contains_key(*name))
        && rpc.has_side_effects
    {
        let problem = Problem::of(Reason::INVALID_CONDITION);
        let detail = format!("changes do not take {name}; send If-Match, or nothing");
        return Err(problem.detail(detail));
    }
    if !is_checked && headers.contains_key(header::IF_MATCH) {
        let problem = Problem::of(Reason::INVALID_CONDITION);
        return Err(problem.detail("this route does not take If-Match; send it without"));
    }
    Ok(())
}

/// The value of a header, as the field takes it.
fn text(
    name: &HeaderName,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Option<String>, Box<Problem>> {
    let mut given = headers.get_all(name).iter();
    if *name == header::IF_MATCH {
        let given: Vec<_> = given.map(HeaderValue::as_bytes).collect();
        return if given.is_empty() {
            Ok(None)
        } else {
            condition(&given.join(&b","[..])).map(Some)
        };
    }
    let (Some(given), None) = (given.next(), given.next()) else { return Ok(None) };
    // The id of an event is UTF-8, which is not visible ASCII.
    let given = str::from_utf8(given.as_bytes()).ok().filter(|given| given.len() <= LONGEST);
    Ok(given.filter(|_| download::is_usable(name, method, headers)).map(str::to_owned))
}

/// The versions in `If-Match`, or `*` (RFC 9110, section 13.1.1). Tags are compared
/// strongly, so a weak one is that of no version.
fn condition(value: &[u8]) -> Result<String, Box<Problem>> {
    let value = value.trim_ascii();
    if value == b"*" {
        return Ok("*".to_owned());
    }
    let tags = tags(value).filter(|tags| !tags.is_empty());
    let tags = tags.ok_or_else(|| Problem::of(Reason::INVALID_CONDITION))?;
    let versions = tags.into_iter().filter_map(Tag::version);
    let versions = versions.collect::<Vec<_>>().join(",");
    Ok(if versions.is_empty() { NO_VERSION.to_owned() } else { versions })
}

/// An entity tag (RFC 9110, section 8.8.3).
struct Tag<'a> {
    is_weak: bool,
    opaque: &'a [u8],
}

/// Reads a list of tags; elements may be empty. None if it is not one.
fn tags(mut rest: &[u8]) -> Option<Vec<Tag<'_>>> {
    let mut tags = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        if !matches!(rest, [] | [b',', ..]) {
            let (tag, behind) = tag(rest)?;
            tags.push(tag);
            rest = behind.trim_ascii_start();
        }
        match rest {
            [] => return Some(tags),
            [b',', behind @ ..] => rest = behind,
            _ => return None,
        }
    }
}

fn tag(text: &[u8]) -> Option<(Tag<'_>, &[u8])> {
    let strong = text.strip_prefix(b"W/");
    let quoted = strong.unwrap_or(text).strip_prefix(b"\"")?;
    let end = quoted.iter().position(|byte| *byte == b'"')?;
    let (opaque, behind) = quoted.split_at_checked(end)?;
    let is_opaque = opaque.iter().all(|byte| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..));
    let tag = Tag { is_weak: strong.is_some(), opaque };
    Some((tag, behind.strip_prefix(b"\"")?)).filter(|_| is_opaque)
}

// === impl Tag ===

impl<'a> Tag<'a> {
    /// The version that a tag begins with; what follows the first dot tells apart
    /// the forms in which that version is shown.
    fn version(self) -> Option<&'a str> {
        let version = self.opaque.split(|byte| *byte == b'.').next()?;
        // A comma would make two of one.
        let is_one = version.iter().all(|byte| byte.is_ascii_graphic() && *byte != b',');
        let is_usable = is_one && !self.is_weak && !version.is_empty() && version != b"*";
        str::from_utf8(version).ok().filter(|_| is_usable)
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use proto::content::v1::UpdatePostRequest;

    use super::*;
    use crate::route::Table;

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        let given = given.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        given.fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        })
    }

    fn rpc<T>(method: &Method, path: &str, test: impl FnOnce(&Rpc) -> T) -> T {
        let table = Table::read(proto::DESCRIPTORS).unwrap();
        test(&table.find(method, path).unwrap().route.rpc)
    }

    #[test]
    fn fields_are_filled_from_their_headers_whatever_was_there() {
        rpc(&Method::PATCH, "/api/posts/1", |rpc| {
            let given = UpdatePostRequest {
                post_id: "1".to_owned(),
                etag: "of the body".to_owned(),
                ..Default::default()
            };
            let message = Bytes::from(given.encode_to_vec());
            let two = headers(&[("if-match", "\"1.a\""), ("if-match", "\"2.b\"")]);
            let filled = fill(rpc, (&Method::PATCH, &two), message.clone()).unwrap();
            let filled = UpdatePostRequest::decode(filled).unwrap();
            assert_eq!((&*filled.post_id, &*filled.etag), ("1", "1,2"));
            assert_eq!(
                fill(rpc, (&Method::PATCH, &HeaderMap::new()), message.clone()).unwrap(),
                message
            );
            fill(rpc, (&Method::PATCH, &headers(&[("if-match", "1")])), message).unwrap_err();
        });
    }

    #[test]
    fn a_condition_that_nobody_checks_is_not_let_through() {
        let if_match = headers(&[("if-match", "*")]);
        rpc(&Method::DELETE, "/api/users/me", |rpc| {
            let problem = fill(rpc, (&Method::DELETE, &if_match), Bytes::new()).unwrap_err();
            assert!(format!("{problem:?}").contains("INVALID_CONDITION"));
        });
        rpc(&Method::GET, "/api/posts/1", |rpc| {
            fill(rpc, (&Method::GET, &if_match), Bytes::new()).unwrap_err()
        });
    }

    #[test]
    fn idempotency_keys_go_to_what_has_side_effects() {
        let key = headers(&[("idempotency-key", "\"a-1\"")]);
        rpc(&Method::POST, "/api/users", |rpc| {
            assert_eq!(metadata(rpc, &key).unwrap()[IDEMPOTENCY_KEY], "a-1");
            assert!(metadata(rpc, &HeaderMap::new()).unwrap().is_empty());
            metadata(rpc, &headers(&[("idempotency-key", "a b")])).unwrap_err();
        });
        rpc(&Method::GET, "/api/posts", |rpc| assert!(metadata(rpc, &key).unwrap().is_empty()));
    }

    #[test]
    fn conditions_are_read_as_rfc_9110_has_them() {
        for (value, expected) in [
            ("*", "*"),
            (" * ", "*"),
            ("\"5\"", "5"),
            ("\"5.9f3a1c\"", "5"),
            ("\"5.9f3a1c-br\"", "5"),
            ("\"5.a.b\"", "5"),
            ("\"5.a\", \"7.b-gzip\" ,\"9\"", "5,7,9"),
            (",\"5\",,", "5"),
            ("W/\"5\"", "-"),
            ("W/\"5\", \"6.x\"", "6"),
            ("\"\"", "-"),
            ("\"*\"", "-"),
            ("\"*.x\"", "-"),
            ("\"5,6\"", "-"),
            ("\"é\"", "-"),
            ("\"abc\"", "abc"),
        ] {
            assert_eq!(condition(value.as_bytes()).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for value in [
            "",
            " ",
            ",",
            "5",
            "\"5",
            "5\"",
            "\"5\" \"6\"",
            "\"5\";",
            "*,\"5\"",
            "\"5\",*",
            "w/\"5\"",
            "W/ \"5\"",
            "W/5",
            "\"a b\"",
            "'5'",
            "\"5\"x",
            "**",
        ] {
            let problem = condition(value.as_bytes()).unwrap_err();
            assert!(format!("{problem:?}").contains("INVALID_CONDITION"), "{value}");
        }
    }
}
