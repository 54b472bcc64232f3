//! Where the codec and the oracle differ on purpose.

use serde_json::Value;

use super::super::Error;

/// Whether a text is refused that the oracle takes.
pub(super) fn is_stricter(text: &[u8], error: &Error) -> bool {
    let has = |words: &[&str]| {
        let text = String::from_utf8_lossy(text);
        words.iter().any(|word| text.contains(word))
    };
    match error {
        // Whoever reads the other one reads something else.
        Error::Input("a field is there twice" | "a map has a key twice") => true,
        // Numbers that are too large become infinite, or the largest there is.
        Error::Input("a number is wrong") => has(&["1e400", "9223372036854775808"]),
        // Digits behind the point that nanoseconds have no room for.
        Error::Input("a time is not one of RFC 3339" | "a duration is not seconds and an s") => {
            let digits = text.split(|byte| !byte.is_ascii_digit());
            digits.into_iter().any(|digits| digits.len() > 9)
        }
        _ => false,
    }
}

/// Lists and maps of what may be null: the oracle takes null for one of them as
/// one null.
const OF_NULLS: [&str; 3] = ["nulls", "values", "valueByString"];

/// Takes out what the oracle makes of such a null.
pub(super) fn mend(oracle: &mut Value) {
    match oracle {
        Value::Object(members) => {
            members.retain(|key, value| !OF_NULLS.contains(&key.as_str()) || !value.is_null());
            members.values_mut().for_each(mend);
        }
        Value::Array(elements) => elements.iter_mut().for_each(mend),
        _ => {}
    }
}

/// Whether a text is taken that the oracle refuses.
pub(super) fn is_wider(_text: &[u8], error: &str) -> bool {
    // A whole number in quotes may be written as `1.0`, `1e3` or `-0`, too.
    let is_decimal = error.contains("invalid digit found in string");
    // An `Any` may be empty.
    is_decimal || error.contains("expected '@type' field")
}
