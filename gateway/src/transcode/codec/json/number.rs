//! Numbers as text.

/// Writes a whole number.
#[inline]
pub(crate) fn put_integer(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    put_digits(value.unsigned_abs(), out);
}

/// Writes a whole number of 64 bits in quotes, because JavaScript's have 53.
#[inline]
pub(crate) fn put_wide(is_negative: bool, value: u64, out: &mut Vec<u8>) {
    out.push(b'"');
    if is_negative {
        out.push(b'-');
    }
    put_digits(value, out);
    out.push(b'"');
}

/// Writes digits, the last first.
fn put_digits(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10).to_le_bytes()[0];
        length += 1;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(20 - length..).unwrap_or_default());
}

/// Writes a number of 64 bits in as few digits as say it exactly.
pub(crate) fn put_float(value: f64, out: &mut Vec<u8>) {
    if !put_special(value, out) {
        put_serialized(&value, out);
    }
}

/// Writes a number of 32 bits in as few digits as say it exactly.
pub(crate) fn put_single(value: f32, out: &mut Vec<u8>) {
    if !put_special(f64::from(value), out) {
        put_serialized(&value, out);
    }
}

fn put_special(value: f64, out: &mut Vec<u8>) -> bool {
    let word: &[u8] = match value {
        f64::INFINITY => b"\"Infinity\"",
        f64::NEG_INFINITY => b"\"-Infinity\"",
        _ if value.is_nan() => b"\"NaN\"",
        _ => return false,
    };
    out.extend_from_slice(word);
    true
}

fn put_serialized(value: &impl serde::Serialize, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "memory takes every number");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(put: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_in_full() {
        for value in [0, 7, -7, 10, i64::from(i32::MAX), i64::MIN, i64::MAX] {
            assert_eq!(written(|out| put_integer(value, out)), value.to_string());
        }
        assert_eq!(written(|out| put_wide(false, u64::MAX, out)), format!("\"{}\"", u64::MAX));
        assert_eq!(written(|out| put_wide(true, 5, out)), "\"-5\"");
        assert_eq!(written(|out| put_float(1.5e300, out)), "1.5e+300");
        assert_eq!(written(|out| put_float(-0.0, out)), "-0.0");
        assert_eq!(written(|out| put_single(0.1, out)), "0.1");
        assert_eq!(written(|out| put_single(f32::NEG_INFINITY, out)), "\"-Infinity\"");
        assert_eq!(written(|out| put_float(f64::NAN, out)), "\"NaN\"");
    }
}
