//! The JSON that ProtoJSON makes of each kind of field.

use prost_reflect::Kind;

use super::schema::{NULL, Schema, Types};

/// Whether a schema is for what clients send, or for what they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Reply,
}

const TIME: &str = "2026-01-31T12:00:00Z";
const DURATION: &str = r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$";
const WHOLE: &str = "^-?[0-9]{1,20}$";

/// What a scalar or a well-known message is in JSON; none for other messages.
pub(super) fn schema(kind: &Kind, direction: Direction) -> Option<Schema> {
    Some(match kind {
        Kind::String => Schema::text(),
        Kind::Bool => Schema::of("boolean"),
        Kind::Bytes => Schema { content_encoding: Some("base64"), ..Schema::text() },
        Kind::Float | Kind::Double => number(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            whole(direction, i32::MIN.into(), i32::MAX.into(), "int32")
        }
        Kind::Uint32 | Kind::Fixed32 => whole(direction, 0, u32::MAX.into(), "uint32"),
        // As texts, because JavaScript has no such numbers.
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            Schema { format: Some("int64"), ..Schema::matching(WHOLE) }
        }
        Kind::Uint64 | Kind::Fixed64 => {
            Schema { format: Some("uint64"), ..Schema::matching("^[0-9]{1,20}$") }
        }
        Kind::Enum(kind) if kind.full_name() == "google.protobuf.NullValue" => Schema::of(NULL),
        Kind::Enum(kind) => Schema::one_of(kind.values().map(|value| value.name().to_owned())),
        Kind::Message(message) => return well_known(message.full_name(), direction),
    })
}

fn well_known(message: &str, direction: Direction) -> Option<Schema> {
    let name = message.strip_prefix("google.protobuf.")?;
    Some(match name {
        "Timestamp" => Schema { examples: vec![TIME.into()], ..Schema::formatted("date-time") },
        "Duration" => Schema { examples: vec!["1.5s".into()], ..Schema::matching(DURATION) },
        "FieldMask" => Schema::text().explained("Names of fields, separated by commas."),
        "Struct" => Schema::map(Schema::default()),
        "Value" => Schema::default(),
        "ListValue" => Schema::list(Schema::default()),
        "Empty" => Schema::of("object"),
        "Any" => Schema {
            properties: [("@type".to_owned(), Schema::text())].into_iter().collect(),
            required: vec!["@type".to_owned()],
            ..Schema::of("object")
        },
        wrapper => schema(&wrapped(wrapper)?, direction)?.or_null(),
    })
}

/// The kind inside `StringValue` and its like.
fn wrapped(wrapper: &str) -> Option<Kind> {
    Some(match wrapper.strip_suffix("Value")? {
        "String" => Kind::String,
        "Bytes" => Kind::Bytes,
        "Bool" => Kind::Bool,
        "Int32" => Kind::Int32,
        "UInt32" => Kind::Uint32,
        "Int64" => Kind::Int64,
        "UInt64" => Kind::Uint64,
        "Float" => Kind::Float,
        "Double" => Kind::Double,
        _ => return None,
    })
}

fn whole(direction: Direction, least: i64, most: i64, format: &'static str) -> Schema {
    let bounds = if direction == Direction::Request {
        Schema::whole(least, most)
    } else {
        Schema::of("integer")
    };
    Schema { format: Some(format), ..bounds }
}

/// JSON has no words for these three, so they are texts.
fn number() -> Schema {
    let words = ["NaN", "Infinity", "-Infinity"].map(str::to_owned);
    Schema { any_of: vec![Schema::of("number"), Schema::one_of(words)], ..Schema::default() }
}

/// The keys of a map, as the names of members: all are texts.
pub(super) fn takes_null(kind: &Kind) -> bool {
    schema(kind, Direction::Request)
        .is_some_and(|schema| schema == Schema::default() || schema.types == Types(vec![NULL]))
}
