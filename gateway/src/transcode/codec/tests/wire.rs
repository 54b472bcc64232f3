//! From the wire format to JSON.

use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};

use super::{
    super::{Absent, Error, MessageId, Unusual},
    CASES, NIGHTLY,
    choices::Choices,
    every_kind::{CONTRACT, EVERY_KIND, Messages},
    generate,
};

/// What prost-reflect makes of a message.
fn oracle(descriptor: &MessageDescriptor, wire: &[u8], absent: Absent) -> Result<Vec<u8>, String> {
    let message = DynamicMessage::decode(descriptor.clone(), wire);
    let message = message.map_err(|error| error.to_string())?;
    let mut json = serde_json::Serializer::new(Vec::new());
    let options = SerializeOptions::new().skip_default_fields(absent == Absent::Omitted);
    let written = message.serialize_with_options(&mut json, &options);
    written.map_err(|error| error.to_string())?;
    Ok(json.into_inner())
}

/// Fails if the codec and the oracle differ; true if the pass did it alone.
fn compare(
    messages: &Messages,
    (descriptor, id): &(MessageDescriptor, MessageId),
    wire: &[u8],
    absent: Absent,
) -> Result<bool, TestCaseError> {
    let expected = oracle(descriptor, wire, absent);
    let name = descriptor.full_name();
    match (messages.codec.to_json(*id, wire, absent), expected) {
        (Ok(made), Ok(expected)) => {
            let keys = super::super::json::Cursor::new(&made.bytes);
            prop_assert!(keys.is_ok_and(|mut it| it.skip().is_ok()), "no JSON: {made:?}");
            let read = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap();
            let (made_json, expected) = (read(&made.bytes), read(&expected));
            prop_assert!(is_same(&made_json, &expected), "{name}\n{made_json}\n{expected}");
            Ok(made.fallback.is_none())
        }
        // The oracle takes times, durations and paths that ProtoJSON has no form for.
        (Err(_), Err(_)) | (Err(Error::Output(_)), Ok(_)) => Ok(true),
        // An `Any` may be empty.
        (Ok(_), Err(error)) if error.contains("type url") => Ok(true),
        (made, expected) => Err(TestCaseError::fail(format!("{name} {made:?} {expected:?}"))),
    }
}

/// The oracle writes null for a wrapped number that is not finite.
fn is_same(made: &serde_json::Value, oracle: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Null, Object, String};
    match (made, oracle) {
        (String(word), Null) => ["NaN", "Infinity", "-Infinity"].contains(&word.as_str()),
        (Array(made), Array(oracle)) => {
            made.len() == oracle.len() && made.iter().zip(oracle).all(|(a, b)| is_same(a, b))
        }
        (Object(made), Object(oracle)) => {
            let is_same = |(key, value)| oracle.get(key).is_some_and(|it| is_same(value, it));
            made.len() == oracle.len() && made.iter().all(is_same)
        }
        (made, oracle) => made == oracle,
    }
}

fn absent(choices: &mut Choices<'_>) -> Absent {
    choices.one_of(&[Absent::Written, Absent::Omitted])
}

/// Whole messages, as services send them.
fn check_messages(messages: &'static Messages, cases: u32) {
    let mut alone = 0;
    let count = std::cell::RefCell::new(&mut alone);
    TestRunner::new(ProptestConfig::with_cases(cases))
        .run(&vec(any::<u8>(), 0..400), |bytes| {
            let mut choices = Choices(&bytes);
            let absent = absent(&mut choices);
            let described = &messages.all[choices.below(messages.all.len())];
            let message = generate::message(&described.0, &mut choices, 0);
            let is_alone = compare(messages, described, &message.encode_to_vec(), absent)?;
            **count.borrow_mut() += u32::from(is_alone);
            Ok(())
        })
        .unwrap();
    // A codec that leaves everything to the oracle agrees with it, too.
    assert!(alone > cases / 2, "{alone} of {cases}");
}

/// Messages with bytes that somebody changed.
fn check_damaged(messages: &'static Messages, cases: u32) {
    TestRunner::new(ProptestConfig::with_cases(cases))
        .run(&(vec(any::<u8>(), 0..300), vec(any::<u8>(), 0..40)), |(bytes, damage)| {
            let mut choices = Choices(&bytes);
            let absent = absent(&mut choices);
            let described = &messages.all[choices.below(messages.all.len())];
            let mut wire = generate::message(&described.0, &mut choices, 0).encode_to_vec();
            let other = generate::message(&described.0, &mut choices, 3).encode_to_vec();
            damage_with(&mut wire, &other, &mut Choices(&damage));
            compare(messages, described, &wire, absent).map(drop)
        })
        .unwrap();
}

fn damage_with(wire: &mut Vec<u8>, other: &[u8], choices: &mut Choices<'_>) {
    while !choices.is_over() {
        let at = choices.below(wire.len() + 1);
        match choices.byte() % 8 {
            0 => wire.extend_from_slice(other),
            1 => wire.truncate(at),
            2 => wire.insert(at, choices.byte()),
            3 if at < wire.len() => drop(wire.remove(at)),
            4 if at < wire.len() => wire[at] ^= 1 << (choices.byte() % 8),
            5 if at < wire.len() => wire[at] = choices.byte(),
            6 => drop(wire.splice(at..at, other.iter().copied())),
            // An unknown field.
            _ => wire.extend_from_slice(&[0xfa, 0x3f, 1, choices.byte()]),
        }
    }
}

#[test]
fn messages_of_the_contract_become_the_json_that_the_oracle_makes() {
    check_messages(&CONTRACT, CASES);
}

#[test]
fn every_kind_of_field_becomes_the_json_that_the_oracle_makes() {
    check_messages(&EVERY_KIND, CASES);
}

#[test]
fn damaged_messages_fail_or_become_the_json_that_the_oracle_makes() {
    check_damaged(&CONTRACT, CASES);
    check_damaged(&EVERY_KIND, CASES);
}

#[test]
#[ignore = "takes minutes: for nightly runs"]
fn very_many_messages_become_the_json_that_the_oracle_makes() {
    check_messages(&CONTRACT, NIGHTLY);
    check_messages(&EVERY_KIND, NIGHTLY);
    check_damaged(&CONTRACT, NIGHTLY);
    check_damaged(&EVERY_KIND, NIGHTLY);
}

#[test]
fn what_is_unusual_takes_a_tree_and_says_why() {
    let (descriptor, id) = &EVERY_KIND.all[0];
    for (wire, why) in [
        (&[0x18, 1, 0x18, 2][..], Unusual::Order),
        (&[0x28, 1, 0x18, 1], Unusual::Order),
        (&[0xf8, 0x02, 1, 0x82, 0x03, 1, b'a'], Unusual::Oneof),
        (&[0x9a, 0x02, 2, 0x0a, 0, 0x9a, 0x02, 2, 0x0a, 0], Unusual::MapEntry),
        (&[0xe2, 0x03, 2, 0x12, 0], Unusual::Any),
        (&[0xb2, 0x03, 3, 0x12, 1, 0], Unusual::WellKnown),
    ] {
        let made = EVERY_KIND.codec.to_json(*id, wire, Absent::Omitted);
        let expected = oracle(descriptor, wire, Absent::Omitted);
        match made {
            Ok(made) => {
                assert_eq!((made.fallback, &made.bytes), (Some(why), &expected.unwrap()));
            }
            Err(_) => assert!(expected.is_err(), "{wire:?}"),
        }
    }
}

#[test]
fn messages_inside_messages_have_an_end() {
    let (_, id) = &EVERY_KIND.all[0];
    let nested = |depth: usize| {
        let mut wire = Vec::new();
        for _ in 0..depth {
            let mut outer = vec![0xfa, 0xff, 0xff, 0xff, 0x0f];
            super::super::wire::put_bytes(&mut outer, &wire);
            wire = outer;
        }
        EVERY_KIND.codec.to_json(*id, &wire, Absent::Omitted)
    };
    assert!(nested(100).is_ok());
    for depth in [101, 1_000, 5_000] {
        assert!(matches!(nested(depth), Err(Error::Input(_))), "{depth}");
    }
}
