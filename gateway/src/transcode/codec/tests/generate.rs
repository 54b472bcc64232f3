//! Messages of any kind, made of decisions.

use prost::Message as _;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value,
};

use super::choices::Choices;

const DEEPEST: u8 = 5;

/// A message whose JSON nobody disputes.
pub(super) fn message(
    descriptor: &MessageDescriptor,
    choices: &mut Choices<'_>,
    depth: u8,
) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    match descriptor.full_name() {
        "google.protobuf.Timestamp" => {
            let seconds = choices.number() % 315_537_897_600;
            set(&mut message, "seconds", Value::I64(seconds.cast_signed() - 62_135_596_800));
            set(&mut message, "nanos", Value::I32(nanos(choices)));
        }
        "google.protobuf.Duration" => {
            let sign = choices.one_of(&[1, -1]);
            let seconds = (choices.number() % 315_576_000_001).cast_signed();
            set(&mut message, "seconds", Value::I64(seconds * i64::from(sign)));
            set(&mut message, "nanos", Value::I32(nanos(choices) * sign));
        }
        "google.protobuf.FieldMask" => {
            let paths = ["a", "some_field", "a.b_c.d", "x1"].map(str::to_owned);
            let paths = (0..choices.below(4)).map(|_| Value::String(choices.one_of(&paths)));
            set(&mut message, "paths", Value::List(paths.collect()));
        }
        "google.protobuf.Any" => any(&mut message, choices, depth),
        "google.protobuf.Value" => {
            let fields: Vec<_> = descriptor.fields().collect();
            let field = &fields[choices.below(if depth < DEEPEST { 6 } else { 4 })];
            fill(&mut message, field, choices, depth);
        }
        _ => {
            for field in descriptor.fields() {
                if choices.once_in(3) && !choices.is_over() {
                    fill(&mut message, &field, choices, depth);
                }
            }
        }
    }
    message
}

fn set(message: &mut DynamicMessage, field: &str, value: Value) {
    message.set_field_by_name(field, value);
}

fn nanos(choices: &mut Choices<'_>) -> i32 {
    choices.one_of(&[0, 1, 500_000_000, 999_999_999, 1_000, 123_456_000])
}

fn any(message: &mut DynamicMessage, choices: &mut Choices<'_>, depth: u8) {
    let pool = message.descriptor().parent_pool().clone();
    // Which of these there are depends on the contract; one of them is always there.
    let names = [
        "google.protobuf.Timestamp",
        "google.protobuf.Duration",
        "google.protobuf.StringValue",
        "oracle.v1.Inner",
    ];
    let known: Vec<_> = names.iter().filter_map(|name| pool.get_message_by_name(name)).collect();
    let inside = choices.one_of(&known);
    let url = format!("type.googleapis.com/{}", inside.full_name());
    let value = self::message(&inside, choices, depth + 1).encode_to_vec();
    set(message, "type_url", Value::String(url));
    set(message, "value", Value::Bytes(value.into()));
}

fn fill(
    message: &mut DynamicMessage,
    field: &FieldDescriptor,
    choices: &mut Choices<'_>,
    depth: u8,
) {
    let is_message = field.kind().as_message().is_some();
    if is_message && depth >= DEEPEST {
        return;
    }
    let is_plain = field.parent_message().full_name().ends_with("Value");
    if field.is_map() {
        let kind = field.kind();
        let entry = kind.as_message().unwrap();
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        let entries = (0..choices.below(4)).map(|_| {
            let key = self::value(&key.kind(), false, choices, depth);
            (key.into_map_key().unwrap(), self::value(&value.kind(), is_plain, choices, depth))
        });
        let entries: std::collections::HashMap<MapKey, Value> = entries.collect();
        message.set_field(field, Value::Map(entries));
    } else if field.is_list() {
        let values = (0..choices.below(4)).map(|_| value(&field.kind(), is_plain, choices, depth));
        message.set_field(field, Value::List(values.collect()));
    } else {
        message.set_field(field, value(&field.kind(), is_plain, choices, depth));
    }
}

/// A value; `is_finite` where the oracle has no words for other numbers.
fn value(kind: &Kind, is_finite: bool, choices: &mut Choices<'_>, depth: u8) -> Value {
    let number = choices.number();
    match kind {
        Kind::Double => Value::F64(double(number, is_finite, choices)),
        #[expect(clippy::cast_possible_truncation, reason = "any will do")]
        Kind::Float => Value::F32(double(number, is_finite, choices) as f32),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(low(number).cast_signed()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(number.cast_signed()),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(low(number)),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(number),
        Kind::Bool => Value::Bool(number != 0),
        Kind::String => Value::String(text(choices)),
        Kind::Bytes => Value::Bytes(number.to_le_bytes()[..choices.below(9)].to_vec().into()),
        Kind::Message(inside) => Value::Message(message(inside, choices, depth + 1)),
        Kind::Enum(kind) if kind.full_name() == "google.protobuf.NullValue" => Value::EnumNumber(0),
        Kind::Enum(kind) => {
            let known: Vec<_> = kind.values().map(|value| value.number()).collect();
            let is_known = !choices.once_in(4);
            Value::EnumNumber(if is_known {
                choices.one_of(&known)
            } else {
                low(number).cast_signed()
            })
        }
    }
}

fn low(number: u64) -> u32 {
    u32::try_from(number & 0xffff_ffff).unwrap()
}

fn double(number: u64, is_finite: bool, choices: &mut Choices<'_>) -> f64 {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    match choices.byte() % 5 {
        0 => choices.one_of(&[0.0, -0.0, 1.5, 0.1, 1e30, -1e-30, 3.4e38]),
        1 if !is_finite => choices.one_of(&odd),
        2 => f64::from(f32::from_bits(low(number) & 0xbfff_ffff)),
        3 => f64::from(low(number)) / 1024.0,
        _ => f64::from(low(number).cast_signed()),
    }
}

fn text(choices: &mut Choices<'_>) -> String {
    const PIECES: [&str; 12] = [
        "",
        "a",
        "plain text",
        "\"",
        "\\",
        "\n\r\t\u{8}\u{c}",
        "\u{0}\u{1f}",
        "é",
        "日本",
        "😀",
        "\u{7f}",
        "forty bytes of text that need no escapes",
    ];
    (0..choices.below(6)).map(|_| choices.one_of(&PIECES)).collect()
}
