//! Any bytes as a message: they fail, or become the JSON that the oracle makes.

#![no_main]

mod oracle;

use gateway::codec::{Absent, Error};
use libfuzzer_sys::fuzz_target;
use prost_reflect::DynamicMessage;

fuzz_target!(|wire: &[u8]| {
    let (codec, descriptor, id) = &*oracle::EVERY_KIND;
    let made = codec.to_json(*id, wire, Absent::Omitted);
    let expected = DynamicMessage::decode(descriptor.clone(), wire);
    let expected = expected.map_err(|error| error.to_string());
    let expected = expected.and_then(|message| oracle::json(&message));
    match (made, expected) {
        (Ok(made), Ok(expected)) => {
            let made = serde_json::from_slice(&made.bytes).unwrap();
            assert!(oracle::is_same(&made, &expected), "{made}\n{expected}");
        }
        // The oracle takes times, durations and paths that ProtoJSON has no form for.
        (Err(_), Err(_)) | (Err(Error::Output(_)), Ok(_)) => {}
        // An `Any` may be empty.
        (Ok(_), Err(error)) if error.contains("type url") => {}
        (made, expected) => panic!("{made:?} {expected:?}"),
    }
});
