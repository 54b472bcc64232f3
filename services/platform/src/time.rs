//! Times, between the database and the wire.

use jiff::Timestamp;
use tonic::Status;

use crate::status::{self, Violation};

/// The years that Protocol Buffers and the database both know: 1 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A time as Protocol Buffers write it.
pub fn to_proto(time: Timestamp) -> prost_types::Timestamp {
    let nanos = time.subsec_nanosecond();
    // Before 1970 jiff counts nanoseconds down, and Protocol Buffers up.
    if nanos < 0 {
        prost_types::Timestamp { seconds: time.as_second() - 1, nanos: nanos + 1_000_000_000 }
    } else {
        prost_types::Timestamp { seconds: time.as_second(), nanos }
    }
}

/// A time of a request.
pub fn from_proto(field: &str, time: prost_types::Timestamp) -> Result<Timestamp, Status> {
    let known = Some(time).filter(|time| SECONDS.contains(&time.seconds) && time.nanos >= 0);
    let known = known.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok());
    known.ok_or_else(|| {
        let rule = "a time of the years 1 to 9999".to_owned();
        status::invalid([Violation { field: field.to_owned(), code: "NOT_A_TIME", rule }])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_always_count_up() {
        for (text, seconds, nanos) in [
            ("2026-11-23T00:00:00.5Z", 1_795_392_000, 500_000_000),
            ("1969-12-31T23:59:59.25Z", -1, 250_000_000),
            ("1970-01-01T00:00:00Z", 0, 0),
        ] {
            let read = text.parse().unwrap();
            let time = to_proto(read);
            assert_eq!((time.seconds, time.nanos), (seconds, nanos), "{text}");
            assert_eq!(from_proto("at", time).unwrap(), read);
        }
    }
    #[test]
    fn what_no_calendar_has_is_refused() {
        for (seconds, nanos) in [(-62_135_596_801, 0), (253_402_300_800, 0), (0, -1), (0, 1 << 30)]
        {
            from_proto("at", prost_types::Timestamp { seconds, nanos }).unwrap_err();
        }
    }
}
