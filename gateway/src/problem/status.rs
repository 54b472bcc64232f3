//! A service's refusal as a problem: the catalogue's, if its reason is in there.

use std::{borrow::Cow, time::Duration};

use http::StatusCode;
use platform::status::{self, Reason};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, ErrorInfo, FieldViolation, StatusExt};

use super::{Fault, Place, Problem, Told};

impl Problem {
    /// Translates a status; `place` says where the client wrote a field.
    pub(crate) fn of_status(status: &Status, place: impl Fn(&str) -> Place) -> Box<Self> {
        let details = status.get_error_details();
        let mut problem = match status::reason_of(status) {
            Some(reason) => Self::of(reason),
            None => Self::of_code(status, details.error_info()),
        };
        if says_anything(status) && problem.status != StatusCode::PAYLOAD_TOO_LARGE {
            problem.detail = Cow::Owned(status.message().to_owned());
        }
        let violations = details.bad_request().map(|bad| bad.field_violations.as_slice());
        let violations = violations.unwrap_or_default();
        if !violations.is_empty() {
            let faults = violations.iter().map(|violation| fault(violation, &place)).collect();
            problem = Self::with_faults(faults);
        }
        problem.told = details.error_info().map(Told::read).unwrap_or_default();
        let delay = details.retry_info().and_then(|retry| retry.retry_delay);
        problem.retry_after_seconds =
            delay.map(|delay| delay.as_secs() + u64::from(delay.subsec_nanos() > 0));
        problem
    }

    /// The same as a status, for clients that speak gRPC.
    pub(crate) fn as_status(&self) -> Status {
        let reason = status::find(&self.code);
        let code = reason.map_or(Code::InvalidArgument, |reason| reason.grpc);
        let mut details = ErrorDetails::with_error_info(&*self.code, status::DOMAIN, []);
        if !self.faults.is_empty() {
            details.set_bad_request(self.faults.iter().map(Fault::violation).collect::<Vec<_>>());
        }
        if let Some(seconds) = self.wait_seconds() {
            details.set_retry_info(Some(Duration::from_secs(seconds)));
        }
        Status::with_error_details(code, &*self.detail, details)
    }

    /// Whether nothing follows on the same connection.
    pub(crate) fn is_last(&self) -> bool {
        self.ends_connection
    }

    /// A status without a reason that we know: a proxy's, or that of a service
    /// which is newer than this gateway.
    fn of_code(status: &Status, info: Option<&ErrorInfo>) -> Box<Self> {
        let http = match status.code() {
            _ if is_too_large(status) => return Self::of(Reason::PAYLOAD_TOO_LARGE),
            Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => {
                // A service of ours logs its cause and gives a reason: this is neither.
                tracing::error!(code = ?status.code(), cause = status.message(), "a call failed");
                return Self::of(Reason::INTERNAL);
            }
            Code::Unavailable | Code::Cancelled => return Self::of(Reason::UNAVAILABLE),
            Code::DeadlineExceeded => return Self::of(Reason::DEADLINE_EXCEEDED),
            Code::InvalidArgument | Code::OutOfRange => StatusCode::BAD_REQUEST,
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::PermissionDenied => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition => StatusCode::CONFLICT,
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        };
        let mut problem = Self::of(Reason::INTERNAL);
        let title = http.canonical_reason().unwrap_or("Refused");
        problem.status = http;
        problem.title = title.into();
        problem.detail = title.to_lowercase().into();
        // RFC 9457: means no more than the status code does.
        problem.kind = "about:blank".into();
        problem.code = match info {
            Some(info) if is_reason(&info.reason) => info.reason.clone().into(),
            _ => status::code_name(status.code()).into(),
        };
        problem
    }
}

/// Whether the text of a status was written for the caller.
fn says_anything(status: &Status) -> bool {
    let is_ours = matches!(status.code(), Code::Unknown | Code::Internal | Code::DataLoss);
    !is_ours && !status.message().is_empty() && status.code() != Code::Cancelled
}

/// tonic refuses a message that is larger than its limit in these words.
fn is_too_large(status: &Status) -> bool {
    matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted)
        && status.message().contains("message length too large")
}

/// AIP-193's form of a reason.
fn is_reason(text: &str) -> bool {
    let is_upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=63).contains(&text.len()) && text.bytes().all(is_upper)
}

fn fault(violation: &FieldViolation, place: impl Fn(&str) -> Place) -> Fault {
    let code = if violation.reason.is_empty() { "INVALID" } else { &violation.reason };
    Fault::new(place(&violation.field), code.to_owned(), violation.description.clone())
}

#[cfg(test)]
mod tests {
    use platform::status::{Violation, invalid, not_found, refuse};

    use super::*;

    fn problem(status: &Status) -> Box<Problem> {
        Problem::of_status(status, |field| Place::Pointer(format!("#/{field}")))
    }

    #[test]
    fn reasons_of_the_catalogue_keep_their_words() {
        let taken = problem(&refuse(Reason::EMAIL_TAKEN));
        assert_eq!((taken.status.as_u16(), &*taken.code), (409, "EMAIL_TAKEN"));
        assert_eq!(taken.kind, "/problems/email-taken");
        assert_eq!(problem(&not_found("post")).detail, "post not found");
    }

    #[test]
    fn causes_are_never_shown() {
        for code in [Code::Internal, Code::Unknown, Code::DataLoss] {
            let problem = problem(&Status::new(code, "password=hunter2"));
            assert_eq!((problem.status.as_u16(), &*problem.code), (500, "INTERNAL"));
            assert!(!format!("{problem:?}").contains("hunter2"));
        }
    }

    #[test]
    fn statuses_without_a_reason_are_mapped_by_their_code() {
        for (code, http) in [
            (Code::InvalidArgument, 400),
            (Code::OutOfRange, 400),
            (Code::Unauthenticated, 401),
            (Code::PermissionDenied, 403),
            (Code::NotFound, 404),
            (Code::AlreadyExists, 409),
            (Code::Aborted, 409),
            (Code::FailedPrecondition, 409),
            (Code::ResourceExhausted, 429),
            (Code::Unimplemented, 501),
            (Code::Unavailable, 503),
            (Code::Cancelled, 503),
            (Code::DeadlineExceeded, 504),
        ] {
            assert_eq!(problem(&Status::new(code, "")).status.as_u16(), http, "{code:?}");
        }
        let large = Status::out_of_range("Error, decoded message length too large: found 2 bytes");
        assert_eq!(problem(&large).code, "PAYLOAD_TOO_LARGE");
        assert_eq!(problem(&Status::not_found("no such thing")).detail, "no such thing");
    }

    #[test]
    fn violations_say_where_and_what() {
        let rule = "must be shorter".to_owned();
        let status = invalid([Violation { field: "title".to_owned(), code: "TOO_LONG", rule }]);
        let problem = problem(&status);
        assert_eq!((problem.status.as_u16(), &*problem.detail), (422, "title must be shorter"));
        let place = Place::Pointer("#/title".to_owned());
        assert_eq!(problem.faults, [Fault::new(place, "TOO_LONG", "must be shorter")]);
    }

    #[test]
    fn a_stale_version_says_what_changed() {
        let changed = ["title".to_owned(), "published_at".to_owned()];
        let problem = problem(&status::stale("7", &changed));
        let body: serde_json::Value = serde_json::from_slice(&problem.json("")).unwrap();
        assert_eq!((problem.status.as_u16(), &body["currentEtag"]), (412, &"7".into()));
        assert_eq!(body["changedFields"], serde_json::json!(["title", "publishedAt"]));
    }

    #[test]
    fn delays_are_rounded_up() {
        let delay = Duration::from_millis(1_200);
        let status = status::refuse_until(Reason::TOO_BUSY, delay);
        assert_eq!(problem(&status).retry_after_seconds, Some(2));
    }
}
