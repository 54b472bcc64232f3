//! JSON as strict as the RFC allows: UTF-8, no key twice, not too deep (RFC 8259,
//! RFC 7493).

use std::fmt;

use platform::status::Reason;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use crate::problem::{Fault, Place, Problem};

/// Far deeper than any message of the contract.
const DEEPEST: u8 = 64;

/// Reads a body, which must be an object; nothing at all stands for an empty one.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Box<Problem>> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    if let Value::Object(object) = read(body)? {
        return Ok(object);
    }
    let place = Place::Pointer("#".to_owned());
    Err(Problem::with_faults(vec![Fault::new(place, Fault::WRONG_TYPE, "must be an object")]))
}

fn read(body: &[u8]) -> Result<Value, Box<Problem>> {
    let malformed = |detail: String| Problem::of(Reason::MALFORMED_JSON).detail(detail);
    let text = std::str::from_utf8(body).map_err(|error| {
        malformed(format!("the body is not UTF-8 from byte {} on", error.valid_up_to() + 1))
    })?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| malformed(format!("the body is not valid JSON: {error}")))
}

/// Reads one value at a depth.
#[derive(Clone, Copy)]
struct Strict {
    depth: u8,
}

// === impl Strict ===

impl Strict {
    fn below<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > DEEPEST { Err(E::custom("nested too deeply")) } else { Ok(Self { depth }) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(below)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut members = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            if members.contains_key(&key) {
                return Err(A::Error::custom("a key is there twice"));
            }
            let value = object.next_value_seed(below)?;
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &[u8]) -> (u16, String) {
        let problem = object(body).unwrap_err();
        (problem.status.as_u16(), format!("{problem:?}"))
    }

    #[test]
    fn objects_are_read() {
        assert!(object(b"").unwrap().is_empty());
        assert!(object(b" {} ").unwrap().is_empty());
        let read = object(r#"{"a": [1, -2, 1.5, "é", null, true, {"b": {}}]}"#.as_bytes()).unwrap();
        let expected: Value =
            serde_json::from_str(r#"[1, -2, 1.5, "é", null, true, {"b": {}}]"#).unwrap();
        assert_eq!(read["a"], expected);
    }

    #[test]
    fn what_is_not_json_is_told_with_its_place() {
        for (body, says) in [
            (&b"{"[..], "EOF while parsing an object at line 1 column 1"),
            (b"{\n  \"a\": 1,\n}", "trailing comma at line 3 column 1"),
            (b"{\"a\":1} x", "trailing characters at line 1 column 9"),
            (b"{'a':1}", "line 1 column 2"),
            (b"{\"a\":1e999}", "number out of range"),
            (b"{\"a\":\"\\ud800\"}", "line 1"),
            (b"{\"a\":NaN}", "line 1 column 6"),
            (b"{\"a\":1,\"b\":{\"a\":1,\"a\":2}}", "is there twice at line 1 column 21"),
            (b"{\"a\":\"\xff\"}", "not UTF-8 from byte 7 on"),
            (b" ", "EOF"),
        ] {
            let (status, told) = told(body);
            assert_eq!(status, 400, "{told}");
            assert!(told.contains("MALFORMED_JSON") && told.contains(says), "{told}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(object(nested(63).as_bytes()).is_ok());
        for depth in [64, 100, 10_000] {
            assert_eq!(told(nested(depth).as_bytes()).0, 400);
        }
    }

    #[test]
    fn what_is_not_an_object_is_the_wrong_type() {
        for body in [&b"[]"[..], b"null", b"1", b"\"a\""] {
            assert_eq!(told(body).0, 422);
        }
    }
}
