//! What the official conformance runner talks to: a message in, a message out, over
//! pipes, until the input ends. It finds the descriptors in its working directory.

#![expect(
    clippy::unwrap_used,
    reason = "a test's other half: what goes wrong here is to end it at once"
)]

use std::{
    fs,
    io::{self, ErrorKind, Read, Write},
};

use gateway::codec::{Absent, Codec, Error, Unknown};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};

/// What it is asked about; messages of proto2 and of editions are none of ours.
const TESTED: &str = "protobuf_test_messages.proto3.TestAllTypesProto3";
const PROTOBUF: i32 = 1;
const JSON: i32 = 2;
const IGNORE_UNKNOWN: i32 = 3;

fn main() {
    let pool = fs::read("descriptors.bin").unwrap();
    let pool = DescriptorPool::decode(pool.as_slice()).unwrap();
    let codec = Codec::new(&pool);
    let request = pool.get_message_by_name("conformance.ConformanceRequest").unwrap();
    let response = pool.get_message_by_name("conformance.ConformanceResponse").unwrap();
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    while let Some(asked) = read(&mut input) {
        let asked = DynamicMessage::decode(request.clone(), asked.as_slice()).unwrap();
        let mut answer = DynamicMessage::new(response.clone());
        let (field, value) = answer_to(&codec, &asked);
        answer.set_field_by_name(field, value);
        let answer = answer.encode_to_vec();
        output.write_all(&u32::try_from(answer.len()).unwrap().to_le_bytes()).unwrap();
        output.write_all(&answer).unwrap();
        output.flush().unwrap();
    }
}

/// The next message; none at the end.
fn read(input: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return None,
        read => read.unwrap(),
    }
    let mut message = vec![0; u32::from_le_bytes(length).try_into().unwrap()];
    input.read_exact(&mut message).unwrap();
    Some(message)
}

/// Which field of the response, and its value.
fn answer_to(codec: &Codec, asked: &DynamicMessage) -> (&'static str, Value) {
    let text = |field: &str| asked.get_field_by_name(field).unwrap().as_str().unwrap().to_owned();
    let number = |field: &str| asked.get_field_by_name(field).unwrap().as_enum_number().unwrap();
    if text("message_type") == "conformance.FailureSet" {
        return ("protobuf_payload", Value::Bytes(bytes::Bytes::default()));
    }
    if text("message_type") != TESTED {
        return skipped("it is no message of proto3");
    }
    let unknown = match number("test_category") {
        IGNORE_UNKNOWN => Unknown::Skipped,
        _ => Unknown::Refused,
    };
    let id = codec.message(TESTED).unwrap();
    let to_wire = |json: String| codec.to_wire(id, json.as_bytes(), unknown).map(|it| it.bytes);
    let to_json = |wire: &[u8]| match codec.to_json(id, wire, Absent::Omitted) {
        Ok(made) => ("json_payload", Value::String(String::from_utf8(made.bytes).unwrap())),
        Err(error @ Error::Input(_)) => ("parse_error", Value::String(error.to_string())),
        Err(error @ Error::Output(_)) => ("serialize_error", Value::String(error.to_string())),
    };
    let output = number("requested_output_format");
    if asked.has_field_by_name("protobuf_payload") && output == JSON {
        return to_json(asked.get_field_by_name("protobuf_payload").unwrap().as_bytes().unwrap());
    }
    if !asked.has_field_by_name("json_payload") {
        return skipped("nothing of it is JSON");
    }
    match (to_wire(text("json_payload")), output) {
        (Err(error), _) => ("parse_error", Value::String(error.to_string())),
        (Ok(wire), PROTOBUF) => ("protobuf_payload", Value::Bytes(wire.into())),
        (Ok(wire), JSON) => to_json(&wire),
        (Ok(_), _) => skipped("its output is neither JSON nor binary"),
    }
}

fn skipped(why: &str) -> (&'static str, Value) {
    ("skipped", Value::String(why.to_owned()))
}
