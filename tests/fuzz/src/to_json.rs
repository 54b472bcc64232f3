//! Any bytes as a message: they fail, or become the JSON that the oracle makes.

#![no_main]

mod oracle;

use gateway::codec::{Absent, Error};
use libfuzzer_sys::fuzz_target;
use prost_reflect::DynamicMessage;

fuzz_target!(|wire: &[u8]| {
    let (codec, descriptor, id) = &*oracle::EVERY_KIND;
    let made = codec.to_json(*id, wire, Absent::Omitted);
    let expected = DynamicMessage::decode(descriptor.clone(), wire).ok();
    let expected = expected.and_then(|message| oracle::json(&message));
    match (made, expected) {
        (Ok(made), Some(expected)) => {
            let made = serde_json::from_slice(&made.bytes).unwrap();
            assert!(oracle::is_same(&made, &expected), "{made}\n{expected}");
        }
        (Err(_), None) | (Err(Error::Output(_)), Some(_)) => {}
        (made, expected) => panic!("{made:?} {expected:?}"),
    }
});
