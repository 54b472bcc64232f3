//! From JSON to the wire format.

use std::fmt::Write as _;

use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;

use super::{
    super::{MessageId, Unknown},
    CASES, NIGHTLY,
    choices::Choices,
    differences,
    every_kind::{CONTRACT, EVERY_KIND, Messages},
    generate, odd,
};

fn oracle(descriptor: &MessageDescriptor, json: &[u8]) -> Result<DynamicMessage, String> {
    let mut json = serde_json::Deserializer::from_slice(json);
    let message = DynamicMessage::deserialize(descriptor.clone(), &mut json);
    message.and_then(|it| json.end().map(|()| it)).map_err(|error| error.to_string())
}

/// Fails if the codec and the oracle differ; true if both took the text.
fn compare(
    messages: &Messages,
    (descriptor, id): &(MessageDescriptor, MessageId),
    text: &[u8],
) -> Result<bool, TestCaseError> {
    let expected = oracle(descriptor, text);
    let made = messages.codec.to_wire(*id, text, Unknown::Refused);
    let told = || format!("{}\n{}", descriptor.full_name(), String::from_utf8_lossy(text));
    match (made, expected) {
        (Ok(made), Ok(expected)) => {
            let message = DynamicMessage::decode(descriptor.clone(), &*made.bytes).unwrap();
            prop_assert_eq!(message.unknown_fields().count(), 0);
            // As JSON, because NaN is not NaN, and a zero that is set not one that is not.
            let expected = if made.fallback.is_some() {
                // Then it is the oracle's work, with whatever comes of sending it.
                let sent = expected.encode_to_vec();
                shown(&DynamicMessage::decode(descriptor.clone(), &*sent).unwrap())
            } else {
                let mut expected = shown(&expected);
                differences::mend(&mut expected);
                expected
            };
            prop_assert_eq!(shown(&message), expected, "{}", told());
            Ok(true)
        }
        (Err(_), Err(_)) => Ok(false),
        (Err(error), Ok(_)) => {
            let is_listed = differences::is_stricter(text, &error);
            prop_assert!(is_listed, "refused: {error} {}", told());
            Ok(false)
        }
        (Ok(_), Err(error)) => {
            let is_listed = differences::is_wider(text, &error);
            prop_assert!(is_listed, "taken: {error} {}", told());
            Ok(false)
        }
    }
}

fn shown(message: &DynamicMessage) -> Value {
    let options = SerializeOptions::new().skip_default_fields(true);
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap()
}

/// The JSON of a message, spelled in one of the ways there are.
fn text_of(descriptor: &MessageDescriptor, choices: &mut Choices<'_>) -> Value {
    let message = generate::message(descriptor, choices, 0);
    let options = SerializeOptions::new()
        .skip_default_fields(choices.once_in(2))
        .use_proto_field_name(choices.once_in(3))
        .use_enum_numbers(choices.once_in(3))
        .stringify_64_bit_integers(!choices.once_in(4));
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap()
}

/// Text in another layout, with other escapes.
fn respelled(json: &Value, choices: &mut Choices<'_>) -> String {
    let text = if choices.once_in(2) {
        serde_json::to_string_pretty(json).unwrap()
    } else {
        json.to_string()
    };
    if !choices.once_in(3) {
        return text;
    }
    let mut escaped = String::new();
    for c in text.chars() {
        let is_outside = "nullfalsetrueb".contains(c);
        if c.is_alphabetic() && !c.is_ascii_uppercase() && !is_outside {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(escaped, "\\u{unit:04x}").unwrap();
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

fn check_messages(messages: &'static Messages, cases: u32) {
    let mut taken = 0;
    let count = std::cell::RefCell::new(&mut taken);
    TestRunner::new(ProptestConfig::with_cases(cases))
        .run(&vec(any::<u8>(), 0..400), |bytes| {
            let mut choices = Choices(&bytes);
            let described = &messages.all[choices.below(messages.all.len())];
            let json = text_of(&described.0, &mut choices);
            let text = respelled(&json, &mut choices);
            **count.borrow_mut() += u32::from(compare(messages, described, text.as_bytes())?);
            Ok(())
        })
        .unwrap();
    assert!(taken > cases / 2, "{taken} of {cases}");
}

/// JSON with values and keys that somebody exchanged.
fn check_odd(messages: &'static Messages, cases: u32) {
    TestRunner::new(ProptestConfig::with_cases(cases))
        .run(&(vec(any::<u8>(), 0..200), vec(any::<u8>(), 1..20)), |(bytes, oddities)| {
            let mut choices = Choices(&bytes);
            let described = &messages.all[choices.below(messages.all.len())];
            let mut json = text_of(&described.0, &mut choices);
            odd::exchange(&mut json, &mut Choices(&oddities));
            compare(messages, described, json.to_string().as_bytes()).map(drop)
        })
        .unwrap();
}

/// Text with bytes that somebody changed.
fn check_damaged(messages: &'static Messages, cases: u32) {
    TestRunner::new(ProptestConfig::with_cases(cases))
        .run(&(vec(any::<u8>(), 0..200), vec(any::<u8>(), 1..12)), |(bytes, damage)| {
            let mut choices = Choices(&bytes);
            let described = &messages.all[choices.below(messages.all.len())];
            let mut text = text_of(&described.0, &mut choices).to_string().into_bytes();
            let mut damage = Choices(&damage);
            while !damage.is_over() {
                let at = damage.below(text.len() + 1);
                let new = damage.one_of(b"{}[],:\"\\ nu01e-.\n\x00\xff/a");
                match damage.byte() % 4 {
                    0 => text.insert(at, new),
                    1 => text.truncate(at),
                    2 if at < text.len() => drop(text.remove(at)),
                    _ if at < text.len() => text[at] = new,
                    _ => text.push(new),
                }
            }
            compare(messages, described, &text).map(drop)
        })
        .unwrap();
}

#[test]
fn json_of_the_contract_becomes_the_messages_that_the_oracle_makes() {
    check_messages(&CONTRACT, CASES);
}

#[test]
fn json_of_every_kind_becomes_the_messages_that_the_oracle_makes() {
    check_messages(&EVERY_KIND, CASES);
}

#[test]
fn odd_json_is_refused_or_becomes_the_message_that_the_oracle_makes() {
    check_odd(&CONTRACT, CASES);
    check_odd(&EVERY_KIND, CASES);
}

#[test]
fn damaged_json_is_refused_or_becomes_the_message_that_the_oracle_makes() {
    check_damaged(&CONTRACT, CASES);
    check_damaged(&EVERY_KIND, CASES);
}

#[test]
#[ignore = "takes minutes: for nightly runs"]
fn very_much_json_becomes_the_messages_that_the_oracle_makes() {
    for messages in [&CONTRACT, &EVERY_KIND] {
        check_messages(messages, NIGHTLY);
        check_odd(messages, NIGHTLY);
        check_damaged(messages, NIGHTLY);
    }
}

#[test]
fn nesting_has_an_end() {
    let (_, id) = &EVERY_KIND.all[0];
    let nested = |key: &str, depth: usize| {
        let json =
            format!("{}{}", format!("{{\"{key}\":").repeat(depth), "{}") + &"}".repeat(depth);
        EVERY_KIND.codec.to_wire(*id, json.as_bytes(), Unknown::Refused)
    };
    assert!(nested("deeper", 99).is_ok());
    assert!(nested("deeper", 100).is_err());
    assert!(nested("deeper", 100_000).is_err());
    // A struct inside a struct is three messages deeper, and has to be readable.
    let structs = |depth: usize| {
        let json = format!("{{\"struct\":{}1{}}}", "{\"a\":".repeat(depth), "}".repeat(depth));
        EVERY_KIND.codec.to_wire(*id, json.as_bytes(), Unknown::Refused)
    };
    let (descriptor, _) = &EVERY_KIND.all[0];
    let deepest = (1..90).take_while(|depth| structs(*depth).is_ok()).last().unwrap();
    assert!((30..40).contains(&deepest), "{deepest}");
    assert!(DynamicMessage::decode(descriptor.clone(), &*structs(deepest).unwrap().bytes).is_ok());
}
