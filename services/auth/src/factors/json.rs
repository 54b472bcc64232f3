//! `WebAuthn` speaks JSON; the contract carries it as a `google.protobuf.Struct`.

use prost_types::{ListValue, Struct, value::Kind};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Number, Value};

/// Reads something from a message; none if it has another form.
pub(super) fn read<T: DeserializeOwned>(message: &Struct) -> Option<T> {
    serde_json::from_value(object(message)).ok()
}

/// Writes something that is an object in JSON.
pub(super) fn write<T: Serialize>(value: &T) -> Struct {
    match serde_json::to_value(value).map(message) {
        Ok(Some(Kind::StructValue(message))) => message,
        // Nothing here is written that is no object.
        Ok(_) | Err(_) => Struct::default(),
    }
}

fn object(message: &Struct) -> Value {
    let members = message.fields.iter().map(|(name, value)| (name.clone(), json(value)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn json(value: &prost_types::Value) -> Value {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => (*value).into(),
        Some(Kind::StringValue(text)) => text.as_str().into(),
        Some(Kind::NumberValue(number)) => whole(*number).map_or_else(
            || Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Value::from,
        ),
        Some(Kind::StructValue(message)) => object(message),
        Some(Kind::ListValue(list)) => list.values.iter().map(json).collect(),
    }
}

/// What has no fraction is a whole number to whoever wants one.
#[expect(clippy::cast_possible_truncation, reason = "it was checked to be whole and small")]
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

fn message(value: Value) -> Option<Kind> {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(value),
        Value::String(text) => Kind::StringValue(text),
        Value::Number(number) => Kind::NumberValue(number.as_f64()?),
        Value::Array(values) => {
            let values = values.into_iter().map(|it| prost_types::Value { kind: message(it) });
            Kind::ListValue(ListValue { values: values.collect() })
        }
        Value::Object(members) => {
            let fields = members
                .into_iter()
                .map(|(name, it)| (name, prost_types::Value { kind: message(it) }));
            Kind::StructValue(Struct { fields: fields.collect() })
        }
    };
    Some(kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let value = json!({
            "alg": -7, "half": 0.5, "text": "é", "none": null, "yes": true,
            "list": [1, [], {"deep": {}}],
        });
        assert_eq!(read::<Value>(&write(&value)), Some(value));
        assert_eq!(write(&json!([])), Struct::default());
    }
}
