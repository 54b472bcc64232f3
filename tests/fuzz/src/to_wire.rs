//! Any text as JSON: whatever is taken is a message, and comes back as the same.

#![no_main]

mod oracle;

use gateway::codec::{Absent, Unknown};
use libfuzzer_sys::fuzz_target;
use prost_reflect::DynamicMessage;

fuzz_target!(|json: &[u8]| {
    let (codec, descriptor, id) = &*oracle::EVERY_KIND;
    let Ok(made) = codec.to_wire(*id, json, Unknown::Refused) else { return };
    let message = DynamicMessage::decode(descriptor.clone(), &*made.bytes).unwrap();
    let mut text = serde_json::Deserializer::from_slice(json);
    if let Ok(expected) = DynamicMessage::deserialize(descriptor.clone(), &mut text) {
        assert_eq!(oracle::json(&message), oracle::json(&expected));
    }
    // What is written is taken again.
    if let Ok(back) = codec.to_json(*id, &made.bytes, Absent::Written) {
        let again = codec.to_wire(*id, &back.bytes, Unknown::Refused).unwrap();
        let again = DynamicMessage::decode(descriptor.clone(), &*again.bytes).unwrap();
        assert_eq!(oracle::json(&again), oracle::json(&message));
    }
});
