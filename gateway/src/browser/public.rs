//! What of a service's refusal others may see.

use platform::status::{self, Reason};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// A refusal without what was not written for the caller: the causes of failures, and
/// details of kinds that say nothing to them.
pub(super) fn public(status: &Status) -> Status {
    let is_ours = status::reason_of(status).is_some();
    match status.code() {
        Code::Unknown | Code::Internal | Code::DataLoss if !is_ours => {
            // A service of ours logs its cause and gives a reason: this is neither.
            tracing::error!(code = ?status.code(), cause = status.message(), "a call failed");
            return status::refuse(Reason::INTERNAL);
        }
        Code::Cancelled if !is_ours => return status::refuse(Reason::UNAVAILABLE),
        _ => {}
    }
    let given = status.get_error_details();
    let mut details = ErrorDetails::new();
    if let Some(info) = given.error_info() {
        details.set_error_info(&info.reason, &info.domain, info.metadata.clone());
    }
    if let Some(bad) = given.bad_request() {
        details.set_bad_request(bad.field_violations.clone());
    }
    if let Some(retry) = given.retry_info() {
        details.set_retry_info(retry.retry_delay);
    }
    Status::with_error_details(status.code(), status.message(), details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stay_with_the_services() {
        let unknown = public(&Status::new(Code::Unknown, "password=hunter2"));
        assert_eq!(status::reason_of(&unknown), Some(Reason::INTERNAL));
        let mut details = ErrorDetails::with_error_info("NOT_FOUND", "mainstay", []);
        details.set_debug_info(["password=hunter2".to_owned()], "hunter2");
        let status = Status::with_error_details(Code::NotFound, "no such thing", details);
        for seen in [unknown, public(&status)] {
            let all = format!("{seen:?}{:?}", seen.get_error_details());
            assert!(!all.contains("hunter2"), "{all}");
        }
        assert_eq!(public(&status).message(), "no such thing");
        assert_eq!(status::reason_of(&public(&status)), Some(Reason::NOT_FOUND));
    }
}
