//! Single values: JSON and text to protobuf, by the rules of ProtoJSON.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};
use serde::de::value::MapDeserializer;
use serde_json::Value as Json;

use super::super::codec::{Codec, Stop};

/// Reads a value of a field, or an element of it if it is a list; an error says
/// what was expected.
pub(super) fn of_json(
    codec: &Codec,
    field: &FieldDescriptor,
    json: &Json,
) -> Result<Value, String> {
    if let (Kind::String, Json::String(text)) = (field.kind(), json) {
        return Ok(Value::String(text.clone()));
    }
    deserialize(codec, field, json).ok_or_else(|| expected(&field.kind()))
}

/// Reads a value that is written as a text: a parameter, or the key of a map.
pub(super) fn of_text(codec: &Codec, field: &FieldDescriptor, text: &str) -> Result<Value, String> {
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
    of_json(codec, field, &json)
}

fn is_bool(message: &str) -> bool {
    message == "google.protobuf.BoolValue"
}

/// Lets the codec read the field alone, so that both ways agree on every value;
/// what it leaves to trees is read by prost-reflect.
fn deserialize(codec: &Codec, field: &FieldDescriptor, json: &Json) -> Option<Value> {
    let element;
    let member = if field.is_list() {
        element = Json::Array(vec![json.clone()]);
        &element
    } else {
        json
    };
    let parent = field.parent_message();
    let id = codec.message(parent.full_name())?;
    let message = match codec.value(id, field.number(), member.to_string().as_bytes()) {
        Ok(wire) => DynamicMessage::decode(parent.clone(), wire?.as_slice()).ok()?,
        Err(Stop::Unusual(_)) => {
            let members = MapDeserializer::new([(field.json_name(), member)].into_iter());
            DynamicMessage::deserialize(parent.clone(), members).ok()?
        }
        Err(Stop::Malformed(_) | Stop::NoJson(_)) => return None,
    };
    match message.get_field(field).into_owned() {
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
