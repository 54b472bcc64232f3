//! Single values: JSON and text to protobuf, by the rules of ProtoJSON.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};
use serde::de::value::MapDeserializer;
use serde_json::Value as Json;

/// Reads a value of a field, or an element of it if it is a list; an error says
/// what was expected.
pub(super) fn of_json(field: &FieldDescriptor, json: &Json) -> Result<Value, String> {
    if let (Kind::String, Json::String(text)) = (field.kind(), json) {
        return Ok(Value::String(text.clone()));
    }
    deserialize(field, json).ok_or_else(|| expected(&field.kind()))
}

/// Reads a value that is written as a text: a parameter, or the key of a map.
pub(super) fn of_text(field: &FieldDescriptor, text: &str) -> Result<Value, String> {
    let json = match (field.kind(), text) {
        (Kind::Bool, "true") => Json::Bool(true),
        (Kind::Bool, "false") => Json::Bool(false),
        (Kind::Message(message), "true" | "false") if is_bool(message.full_name()) => {
            Json::Bool(text == "true")
        }
        (Kind::Enum(_), number) if number.parse::<i32>().is_ok() => {
            number.parse::<i32>().unwrap_or_default().into()
        }
        (_, text) => Json::String(text.to_owned()),
    };
    of_json(field, &json)
}

fn is_bool(message: &str) -> bool {
    message == "google.protobuf.BoolValue"
}

/// Lets prost-reflect read a message that has only this field.
fn deserialize(field: &FieldDescriptor, json: &Json) -> Option<Value> {
    let element;
    let member = if field.is_list() {
        element = Json::Array(vec![json.clone()]);
        &element
    } else {
        json
    };
    let members = MapDeserializer::new([(field.json_name(), member)].into_iter());
    let mut message = DynamicMessage::deserialize(field.parent_message().clone(), members).ok()?;
    match message.take_field(field)? {
        Value::List(mut values) => values.pop(),
        single => Some(single),
    }
}

/// What a field takes, in words for a client.
pub(super) fn expected(kind: &Kind) -> String {
    let words = match kind {
        Kind::String => "must be a string",
        Kind::Bool => "must be true or false",
        Kind::Bytes => "must be base64 text",
        Kind::Float | Kind::Double => "must be a number",
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            "must be a whole number from -2147483648 to 2147483647"
        }
        Kind::Uint32 | Kind::Fixed32 => "must be a whole number from 0 to 4294967295",
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => "must be a whole number of 64 bits",
        Kind::Uint64 | Kind::Fixed64 => "must be a whole number of 64 bits, not below 0",
        Kind::Enum(kind) => {
            let names: Vec<_> = kind.values().map(|value| value.name().to_owned()).collect();
            return format!("must be one of {}", names.join(", "));
        }
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => "must be a time such as 2026-01-31T12:00:00Z",
            "google.protobuf.Duration" => "must be a duration such as 1.5s",
            "google.protobuf.FieldMask" => "must be field names separated by commas",
            "google.protobuf.ListValue" => "must be a list",
            name if name.ends_with("Value") && name.starts_with("google.protobuf.") => {
                let wrapped = message.get_field_by_name("value").map(|field| field.kind());
                return wrapped
                    .map_or_else(|| "must be a JSON value".to_owned(), |kind| expected(&kind));
            }
            _ => "must be an object",
        },
    };
    words.to_owned()
}
