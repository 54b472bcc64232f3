//! Times and durations from text (RFC 3339, and seconds), as strict as ProtoJSON.

use super::super::{
    calendar::Date,
    stop::Stop,
    to_json::{LONGEST, TIMES},
};

const NO_TIME: Stop = Stop::Malformed("a time is not one of RFC 3339");
const NO_DURATION: Stop = Stop::Malformed("a duration is not seconds and an s");
const MOST_DIGITS: usize = 9;

/// Reads `2026-01-31T12:00:00.5+01:00` as seconds since 1970 and nanoseconds.
pub(crate) fn timestamp(text: &str) -> Result<(i64, i32), Stop> {
    let (civil, rest) = text.split_at_checked(19).ok_or(NO_TIME)?;
    let civil = civil_seconds(civil).ok_or(NO_TIME)?;
    let (nanos, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, zone) = rest.split_at_checked(digits).ok_or(NO_TIME)?;
            (fraction(digits).ok_or(NO_TIME)?, zone)
        }
        None => (0, rest),
    };
    let seconds = civil - zone_seconds(zone).ok_or(NO_TIME)?;
    if TIMES.contains(&seconds) { Ok((seconds, nanos)) } else { Err(NO_TIME) }
}

/// `2026-01-31T12:00:00` as if it were UTC.
fn civil_seconds(text: &str) -> Option<i64> {
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let is_at = |(at, byte): &(usize, u8)| text.as_bytes().get(*at) == Some(byte);
    if !separators.iter().all(is_at) {
        return None;
    }
    let number = |from: usize, to: usize| digits(text.get(from..to)?);
    let date = Date { year: number(0, 4)?, month: number(5, 7)?, day: number(8, 10)? };
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let is_time = hour < 24 && minute < 60 && second < 60;
    is_time.then_some(date.days()? * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// `Z`, `+01:00` or `-01:00` in seconds.
fn zone_seconds(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes() {
        b"Z" => return Some(0),
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _ => return None,
    };
    let (hours, minutes) = (digits(zone.get(1..3)?)?, digits(zone.get(4..6)?)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Reads `-1.5s` as seconds and nanoseconds.
pub(crate) fn duration(text: &str) -> Result<(i64, i32), Stop> {
    let text = text.strip_suffix('s').ok_or(NO_DURATION)?;
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let (seconds, nanos) = match text.split_once('.') {
        Some((seconds, fractional)) => (seconds, fraction(fractional).ok_or(NO_DURATION)?),
        None => (text, 0),
    };
    let seconds = digits(seconds).filter(|seconds| *seconds <= LONGEST).ok_or(NO_DURATION)?;
    Ok((i64::from(sign) * seconds, sign * nanos))
}

/// One to nine digits behind a point, in nanoseconds.
fn fraction(text: &str) -> Option<i32> {
    if text.len() > MOST_DIGITS {
        return None;
    }
    let missing = u32::try_from(MOST_DIGITS - text.len()).ok()?;
    i32::try_from(digits(text)? * 10_i64.pow(missing)).ok()
}

/// Digits and nothing else, at least one and few enough for the type.
fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.bytes().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
    })
}
