//! What the codec is compared with, and where they are known to differ.

use std::sync::LazyLock;

use gateway::codec::{Codec, MessageId};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;

/// The message that holds every kind of field, and the codec that knows it.
pub static EVERY_KIND: LazyLock<(Codec, MessageDescriptor, MessageId)> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../gateway/src/transcode/codec/tests");
    let mut compiler = protox::Compiler::new([folder]).unwrap();
    compiler.include_imports(true).open_file("every_kind.proto").unwrap();
    let pool = DescriptorPool::decode(&*compiler.encode_file_descriptor_set()).unwrap();
    let codec = Codec::new(&pool);
    let id = codec.message("oracle.v1.EveryKind").unwrap();
    (codec, pool.get_message_by_name("oracle.v1.EveryKind").unwrap(), id)
});

/// The JSON of a message, or why it has none. It goes through text, because a
/// number of 32 bits has fewer digits there.
pub fn json(message: &DynamicMessage) -> Result<Value, String> {
    let options = SerializeOptions::new().skip_default_fields(true);
    let mut json = serde_json::Serializer::new(Vec::new());
    let written = message.serialize_with_options(&mut json, &options);
    written.map_err(|error| error.to_string())?;
    serde_json::from_slice(&json.into_inner()).map_err(|error| error.to_string())
}

/// Whether both say the same: the oracle writes null for a wrapped number that is
/// not finite.
pub fn is_same(made: &Value, oracle: &Value) -> bool {
    match (made, oracle) {
        (Value::String(word), Value::Null) => {
            ["NaN", "Infinity", "-Infinity"].contains(&word.as_str())
        }
        (Value::Array(made), Value::Array(oracle)) => {
            made.len() == oracle.len() && made.iter().zip(oracle).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(made), Value::Object(oracle)) => {
            let is_same = |(key, value)| oracle.get(key).is_some_and(|it| is_same(value, it));
            made.len() == oracle.len() && made.iter().all(is_same)
        }
        (made, oracle) => made == oracle,
    }
}
