//! Times and durations as text (RFC 3339, and seconds).

use super::super::{calendar::Date, json, stop::Stop};

const NANOS: u32 = 1_000_000_000;
const DAY: i64 = 86_400;
/// 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
pub(crate) const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// 10,000 years.
pub(crate) const LONGEST: i64 = 315_576_000_000;

/// Writes `"2026-01-31T12:00:00.500Z"`.
pub(crate) fn put_timestamp(seconds: i64, nanos: i32, out: &mut Vec<u8>) -> Result<(), Stop> {
    const WRONG: Stop = Stop::NoJson("a time is out of range");
    let fraction = u32::try_from(nanos).ok().filter(|nanos| *nanos < NANOS).ok_or(WRONG)?;
    if !TIMES.contains(&seconds) {
        return Err(WRONG);
    }
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let date = Date::of_days(days);
    let mut text = *b"\"0000-00-00T00:00:00";
    put_pair(&mut text, 1, date.year / 100);
    put_pair(&mut text, 3, date.year % 100);
    put_pair(&mut text, 6, date.month);
    put_pair(&mut text, 9, date.day);
    put_pair(&mut text, 12, second / 3_600);
    put_pair(&mut text, 15, second / 60 % 60);
    put_pair(&mut text, 18, second % 60);
    out.extend_from_slice(&text);
    put_fraction(fraction, out);
    out.extend_from_slice(b"Z\"");
    Ok(())
}

/// Writes two digits at a place.
fn put_pair(text: &mut [u8; 20], at: usize, value: i64) {
    let value = value.to_le_bytes()[0];
    let digits = [b'0' + value / 10, b'0' + value % 10];
    text.iter_mut().skip(at).zip(digits).for_each(|(byte, digit)| *byte = digit);
}

/// Writes `"1.500s"`.
pub(crate) fn put_duration(seconds: i64, nanos: i32, out: &mut Vec<u8>) -> Result<(), Stop> {
    let is_in_range =
        seconds.unsigned_abs() <= LONGEST.unsigned_abs() && nanos.unsigned_abs() < NANOS;
    let is_one_way = seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0);
    if !is_in_range || !is_one_way {
        return Err(Stop::NoJson("a duration is out of range"));
    }
    out.push(b'"');
    if seconds < 0 || nanos < 0 {
        out.push(b'-');
    }
    json::put_integer(seconds.abs(), out);
    put_fraction(nanos.unsigned_abs(), out);
    out.extend_from_slice(b"s\"");
    Ok(())
}

/// Writes 0, 3, 6 or 9 digits.
fn put_fraction(mut nanos: u32, out: &mut Vec<u8>) {
    let length = match nanos {
        0 => return,
        _ if nanos.is_multiple_of(1_000_000) => 3,
        _ if nanos.is_multiple_of(1_000) => 6,
        _ => 9,
    };
    let mut digits = [0; 9];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (nanos % 10).to_le_bytes()[0];
        nanos /= 10;
    }
    out.push(b'.');
    out.extend_from_slice(digits.get(..length).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timestamp(seconds: i64, nanos: i32) -> Result<String, Stop> {
        let mut out = Vec::new();
        put_timestamp(seconds, nanos, &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    fn duration(seconds: i64, nanos: i32) -> Result<String, Stop> {
        let mut out = Vec::new();
        put_duration(seconds, nanos, &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    #[test]
    fn times_are_written_to_the_digit() {
        for (seconds, nanos, expected) in [
            (0, 0, "\"1970-01-01T00:00:00Z\""),
            (-62_135_596_800, 0, "\"0001-01-01T00:00:00Z\""),
            (253_402_300_799, 999_999_999, "\"9999-12-31T23:59:59.999999999Z\""),
            (1_709_208_000, 500_000_000, "\"2024-02-29T12:00:00.500Z\""),
            (1, 1_000, "\"1970-01-01T00:00:01.000001Z\""),
            (-1, 1, "\"1969-12-31T23:59:59.000000001Z\""),
        ] {
            assert_eq!(timestamp(seconds, nanos).unwrap(), expected);
        }
        for (seconds, nanos) in
            [(-62_135_596_801, 0), (253_402_300_800, 0), (0, -1), (0, 1_000_000_000), (i64::MIN, 0)]
        {
            assert!(timestamp(seconds, nanos).is_err(), "{seconds} {nanos}");
        }
    }

    #[test]
    fn durations_are_written_to_the_digit() {
        for (seconds, nanos, expected) in [
            (0, 0, "\"0s\""),
            (0, -500_000_000, "\"-0.500s\""),
            (-3, -1, "\"-3.000000001s\""),
            (315_576_000_000, 0, "\"315576000000s\""),
        ] {
            assert_eq!(duration(seconds, nanos).unwrap(), expected);
        }
        for (seconds, nanos) in
            [(315_576_000_001, 0), (1, -1), (-1, 1), (0, 1_000_000_000), (i64::MIN, i32::MIN)]
        {
            assert!(duration(seconds, nanos).is_err(), "{seconds} {nanos}");
        }
    }
}
