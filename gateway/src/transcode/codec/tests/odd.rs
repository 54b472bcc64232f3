//! JSON with values and keys that nobody expects.

use serde_json::{Map, Value, json};

use super::choices::Choices;

const TEXTS: [&str; 41] = [
    "",
    "1",
    "-1",
    "1.5",
    "1e3",
    "007",
    "+5",
    " 1",
    "1 ",
    "0x10",
    "NaN",
    "Infinity",
    "-Infinity",
    "true",
    "null",
    "AQI=",
    "AQI",
    "_-8",
    "*",
    "COLOUR_RED",
    "RED",
    "1972-06-30T23:59:59Z",
    "1972-06-30T23:59:59.5+01:00",
    "1972-06-30t23:59:59z",
    "1972-02-30T00:00:00Z",
    "1.5s",
    "-1s",
    "1",
    "s",
    "1.s",
    ".5s",
    "a,bC",
    "a_b",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "4294967296",
    "99999999999999999999",
    "1e400",
    "-0",
    "1.0",
];

const NUMBERS: [&str; 15] = [
    "0",
    "1",
    "-1",
    "1.5",
    "1.0",
    "-0.0",
    "2147483648",
    "-2147483649",
    "4294967296",
    "18446744073709551615",
    "-9223372036854775808",
    "1e300",
    "3.5e38",
    "1e-300",
    "1e3",
];

/// Puts something odd in one place.
pub(super) fn exchange(json: &mut Value, choices: &mut Choices<'_>) {
    match json {
        Value::Object(members) if !members.is_empty() && !choices.once_in(4) => {
            let keys: Vec<_> = members.keys().cloned().collect();
            let key = choices.one_of(&keys);
            if choices.once_in(5) {
                let value = members.remove(&key).unwrap();
                let other =
                    choices.one_of(&["nope", "aBool", "a_bool", "1", "-0", "true", "@type"]);
                members.insert(other.to_owned(), value);
            } else {
                exchange(members.get_mut(&key).unwrap(), choices);
            }
        }
        Value::Array(elements) if !elements.is_empty() && !choices.once_in(4) => {
            let at = choices.below(elements.len());
            exchange(&mut elements[at], choices);
        }
        other => *other = odd(choices),
    }
}

fn odd(choices: &mut Choices<'_>) -> Value {
    match choices.byte() % 6 {
        0 => Value::Null,
        1 => Value::Bool(choices.once_in(2)),
        2 => serde_json::from_str(choices.one_of(&NUMBERS)).unwrap(),
        3 => json!([]),
        4 => Value::Object(Map::new()),
        _ => Value::from(choices.one_of(&TEXTS)),
    }
}
