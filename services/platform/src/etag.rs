//! Which version of a resource a request means (AIP-154; RFC 9110, section 13.1.1).

use tonic::Status;

use crate::status::{self, Reason};

/// The versions that a request means, of which one must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant(Option<Vec<i64>>);

// === impl Meant ===

impl Meant {
    /// Reads a request's `etag` where one must be given.
    pub fn required(etag: &str) -> Result<Self, Status> {
        if etag.trim().is_empty() {
            return Err(status::refuse(Reason::PRECONDITION_REQUIRED));
        }
        Ok(Self::optional(etag))
    }

    /// Reads a request's `etag`; without one it means whatever is there, as `*` does.
    ///
    /// A tag that is not one of ours is that of no version.
    pub fn optional(etag: &str) -> Self {
        let etag = etag.trim();
        if etag.is_empty() || etag == "*" {
            return Self(None);
        }
        Self(Some(etag.split(',').filter_map(version).collect()))
    }

    /// The versions; none if any will do.
    pub fn versions(&self) -> Option<&[i64]> {
        self.0.as_deref()
    }
}

/// A version as we write it: digits, and no other spelling of the same number.
fn version(tag: &str) -> Option<i64> {
    let tag = tag.trim();
    let number: i64 = tag.parse().ok()?;
    (number > 0 && number.to_string() == tag).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_versions_or_nothing() {
        for (etag, expected) in [
            ("", None),
            ("*", None),
            (" * ", None),
            ("5", Some(vec![5])),
            ("5, 7,9", Some(vec![5, 7, 9])),
            ("-", Some(vec![])),
            ("abc", Some(vec![])),
            ("05,+5,-5,0,5.0, ", Some(vec![])),
            ("99999999999999999999,3", Some(vec![3])),
            ("*,5", Some(vec![5])),
        ] {
            assert_eq!(Meant::optional(etag), Meant(expected), "{etag}");
        }
    }

    #[test]
    fn whoever_must_say_what_they_mean_is_told() {
        for nothing in ["", " "] {
            let refused = Meant::required(nothing).unwrap_err();
            assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
        }
        assert_eq!(Meant::required("*").unwrap().versions(), None);
        assert_eq!(Meant::required("4").unwrap().versions(), Some(&[4][..]));
    }
}
