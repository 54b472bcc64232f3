//! Times, between the database and the wire.

use jiff::Timestamp;

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
            let time = to_proto(text.parse().unwrap());
            assert_eq!((time.seconds, time.nanos), (seconds, nanos), "{text}");
        }
    }
}
