//! The only road from an error to the caller.
//!
//! A caller learns a reason from the catalogue and a sentence written for them.
//! The cause is logged here, once, and goes no further. Shapes: AIP-193, every
//! status carries one `ErrorInfo`, and `BadRequest` when fields are at fault.

mod catalogue;
mod faults;

use std::{collections::HashMap, error::Error, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

pub use self::{
    catalogue::{CATALOGUE, Reason, find},
    faults::{FAULTS, FaultCode, find_fault},
};
use crate::fatal::causes;

/// The domain of every reason in the catalogue.
pub const DOMAIN: &str = "mainstay";

/// In the `ErrorInfo` of [`stale`]: the etag of what is there.
pub const CURRENT_ETAG: &str = "current_etag";
/// In the `ErrorInfo` of [`stale`]: the fields that differ, separated by commas.
pub const CHANGED_FIELDS: &str = "changed_fields";

const MOST_VIOLATIONS: usize = 16;
const MOST_CHARS: usize = 160;

/// A field of a request, and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field, as the contract names it: `tags[0]`, `post.title`.
    pub field: String,
    /// What kind of rule: one of [`FAULTS`].
    pub code: &'static str,
    /// The rule, written for the caller.
    pub rule: String,
}

/// Refuses a request for a reason of the catalogue, in the catalogue's words.
pub fn refuse(reason: &Reason) -> Status {
    refuse_because(reason, reason.detail)
}

/// Refuses a request for a reason of the catalogue, in words of its own.
pub fn refuse_because(reason: &Reason, detail: &str) -> Status {
    Status::with_error_details(reason.grpc, detail, info(reason))
}

/// Refuses a request that may be sent again after a while.
pub fn refuse_until(reason: &Reason, delay: Duration) -> Status {
    let mut details = info(reason);
    details.set_retry_info(Some(delay));
    Status::with_error_details(reason.grpc, reason.detail, details)
}

/// Refuses a request whose fields break rules.
pub fn invalid(violations: impl IntoIterator<Item = Violation>) -> Status {
    let reason = Reason::INVALID_FIELDS;
    let fields = violations.into_iter().map(|violation| FieldViolation {
        field: violation.field,
        description: violation.rule,
        reason: violation.code.to_owned(),
        localized_message: None,
    });
    // They travel in a header, which has little room.
    let mut fields: Vec<_> = fields.take(MOST_VIOLATIONS).collect();
    for field in &mut fields {
        shorten(&mut field.field);
        shorten(&mut field.description);
    }
    let names: Vec<_> =
        fields.iter().map(|field| format!("{}: {}", field.field, field.description)).collect();
    let mut details = info(reason);
    details.set_bad_request(fields);
    let mut names = names.join("; ");
    shorten(&mut names);
    Status::with_error_details(reason.grpc, names, details)
}

/// Refuses a change of a version that is no longer there, and says what is there
/// and what became different, so that the caller can merge.
pub fn stale(current_etag: &str, changed_fields: &[String]) -> Status {
    let reason = Reason::ETAG_MISMATCH;
    let told = [
        (CURRENT_ETAG.to_owned(), current_etag.to_owned()),
        (CHANGED_FIELDS.to_owned(), changed_fields.join(",")),
    ];
    let details = ErrorDetails::with_error_info(reason.code, DOMAIN, HashMap::from(told));
    Status::with_error_details(reason.grpc, reason.detail, details)
}

/// There is no such thing, or none that this caller may know of.
pub fn not_found(what: &str) -> Status {
    refuse_because(Reason::NOT_FOUND, &format!("{what} not found"))
}

/// A fault of ours: logged with its causes, hidden from the caller.
pub fn internal(error: &(dyn Error + 'static)) -> Status {
    tracing::error!(error = causes(error), "request failed");
    refuse(Reason::INTERNAL)
}

/// Something we depend on did not answer; the caller may try again.
pub fn unavailable(error: &(dyn Error + 'static)) -> Status {
    tracing::warn!(error = causes(error), "a dependency is unavailable");
    refuse_until(Reason::UNAVAILABLE, Duration::from_secs(1))
}

/// The catalogue's reason that a status carries, if it is one of ours.
pub fn reason_of(status: &Status) -> Option<&'static Reason> {
    find(&status.get_details_error_info()?.reason)
}

/// The standard name of a status code: `NOT_FOUND`.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Cuts a text that quotes what a caller sent.
fn shorten(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(MOST_CHARS) {
        text.truncate(end);
        text.push('…');
    }
}

fn info(reason: &Reason) -> ErrorDetails {
    ErrorDetails::with_error_info(reason.code, DOMAIN, HashMap::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stay_with_us() {
        let secret = std::io::Error::other("password=hunter2");
        for status in [internal(&secret), unavailable(&secret)] {
            assert!(!format!("{status:?}").contains("hunter2"));
        }
    }

    #[test]
    fn however_much_is_wrong_the_answer_fits_into_a_header() {
        let violation =
            |n| Violation { field: format!("tags[{n}]"), code: "X", rule: "é".repeat(100_000) };
        let status = invalid((0..100_000).map(violation));
        let headers = status.into_http::<()>().headers().clone();
        let size: usize =
            headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        // HTTP/2 peers take 16 KiB unless they say otherwise.
        assert!(size < 12 * 1024, "{size}");
    }

    #[test]
    fn fields_are_named_to_the_caller() {
        let violation =
            Violation { field: "title".to_owned(), code: "TOO_LONG", rule: "is long".to_owned() };
        let status = invalid([violation]);
        assert_eq!(status.message(), "title: is long");
        let fields = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!((&*fields[0].field, &*fields[0].reason), ("title", "TOO_LONG"));
        assert_eq!(reason_of(&status).unwrap().code, "INVALID_FIELDS");
    }
}
