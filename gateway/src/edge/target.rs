//! Paths that mean one thing only, however often they are decoded.

use http::Uri;
use platform::status::Reason;

use crate::{percent, problem::Problem};

const LONGEST: usize = 8 * 1024;

/// Refuses a target that is too long or has more than one reading.
pub(super) fn check(uri: &Uri) -> Result<(), Box<Problem>> {
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    if target.len() > LONGEST {
        return Err(Problem::of(Reason::URI_TOO_LONG));
    }
    check_path(uri.path())
        .map_err(|detail| Problem::of(Reason::MALFORMED_REQUEST).detail(detail).end_connection())
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.contains("//") {
        return Err("the path has an empty segment");
    }
    for segment in path.split('/') {
        let decoded = percent::decode(segment).ok_or("the path is not percent-encoded UTF-8")?;
        if decoded == "." || decoded == ".." {
            return Err("the path has a dot segment");
        }
        if decoded.contains(['/', '\\']) {
            return Err("the path has an encoded slash or a backslash");
        }
        if decoded.contains(char::is_control) {
            return Err("the path has a control character");
        }
        // What is still an escape after decoding would change if decoded again.
        if decoded != segment && has_escape(&decoded) {
            return Err("the path is encoded twice");
        }
    }
    Ok(())
}

fn has_escape(text: &str) -> bool {
    text.as_bytes().windows(3).any(|window| {
        matches!(window, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_reading() {
        for good in [
            "",
            "/",
            "*",
            "/a/b",
            "/a/",
            "/a%20b",
            "/caf%C3%A9",
            "/100%25",
            "/a.b",
            "/...",
            "/.well-known/x",
            "/a:b",
            "/~a",
        ] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        for bad in [
            "//",
            "/a//b",
            "/a/..",
            "/../a",
            "/./a",
            "/%2e%2e/a",
            "/.%2E/a",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a%0ab",
            "/a%7f",
            "/%",
            "/%2",
            "/%zz",
            "/%ff",
            "/%c3",
            "/%252e",
            "/%252e%252e/a",
            "/a%252fb",
            "/%25%32%65",
            "/a%c2%85",
        ] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn long_targets_are_refused() {
        let long = format!("/?{}", "a".repeat(LONGEST));
        assert_eq!(check(&long.parse().unwrap()).unwrap_err().status.as_u16(), 414);
    }
}
