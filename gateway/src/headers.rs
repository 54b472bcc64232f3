//! Fields of a request that HTTP headers fill.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};

use crate::{route::Rpc, wire};

/// Longer than any condition or id that a client was given.
const LONGEST: usize = 4 * 1024;

/// Appends what headers say to a message.
pub(crate) fn fill(rpc: &Rpc, headers: &HeaderMap, message: Bytes) -> Bytes {
    let filled = rpc.headers.iter().filter_map(|filled| {
        let value = text(headers, &filled.header)?;
        Some((filled.field.number(), value))
            .filter(|(_, value)| is_usable(headers, &filled.header, value))
    });
    let mut filled = filled.peekable();
    if filled.peek().is_none() {
        return message;
    }
    let mut longer = BytesMut::from(message);
    for (number, value) in filled {
        wire::append(&mut longer, number, value.as_bytes());
    }
    longer.freeze()
}

/// A header that is there once.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => {
            // The id of an event is UTF-8, which is not visible ASCII.
            str::from_utf8(value.as_bytes()).ok().filter(|value| value.len() <= LONGEST)
        }
        _ => None,
    }
}

/// A range that we do not understand is no range, and a condition on no range says
/// nothing (RFC 9110, sections 14.2 and 13.1.5).
fn is_usable(headers: &HeaderMap, name: &str, value: &str) -> bool {
    match name {
        "range" => is_range(value),
        "if-range" => text(headers, header::RANGE.as_str()).is_some_and(is_range),
        _ => true,
    }
}

/// One range of bytes: `bytes=0-99`, `bytes=100-` or `bytes=-100`.
fn is_range(value: &str) -> bool {
    let range = value.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    range.is_some_and(|(from, to)| {
        let read = |text: &str| text.parse::<u64>().ok().filter(|_| !text.starts_with('+'));
        match (from.is_empty(), to.is_empty()) {
            (false, false) => read(from).zip(read(to)).is_some_and(|(from, to)| from <= to),
            (false, true) => read(from).is_some(),
            (true, false) => read(to).is_some(),
            (true, true) => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_nobody_understands_are_none() {
        for (range, expected) in [
            ("bytes=0-99", true),
            ("bytes=5-", true),
            ("bytes=-5", true),
            ("bytes=5-4", false),
            ("bytes=0-1,3-4", false),
            ("bytes=-", false),
            ("bytes=+1-2", false),
            ("bytes=a-b", false),
            ("lines=0-1", false),
            ("bytes=99999999999999999999-", false),
        ] {
            assert_eq!(is_range(range), expected, "{range}");
        }
    }
}
