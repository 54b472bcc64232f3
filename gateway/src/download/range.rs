//! Which conditions on parts of a file are worth telling a service.

use http::{HeaderMap, HeaderName, Method, header};

/// Whether a header means anything. A range is a matter of GET, one that nobody
/// understands is none, and a condition on none says nothing (RFC 9110, sections 14.2
/// and 13.1.5).
pub(crate) fn is_usable(name: &HeaderName, method: &Method, headers: &HeaderMap) -> bool {
    let is_range = || {
        let mut ranges = headers.get_all(header::RANGE).iter();
        let only = ranges.next().filter(|_| ranges.next().is_none());
        only.and_then(|range| range.to_str().ok()).is_some_and(is_range)
    };
    ![header::RANGE, header::IF_RANGE].contains(name) || (method == Method::GET && is_range())
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
            let headers = [(header::RANGE, range.parse().unwrap())].into_iter().collect();
            for name in [header::RANGE, header::IF_RANGE] {
                assert_eq!(is_usable(&name, &Method::GET, &headers), expected, "{range}");
            }
            assert!(!is_usable(&header::RANGE, &Method::HEAD, &headers), "{range}");
            assert!(is_usable(&header::IF_MATCH, &Method::PATCH, &headers));
        }
        assert!(!is_usable(&header::IF_RANGE, &Method::GET, &HeaderMap::new()));
    }
}
