//! The direct way of requests and replies against the one with trees.

use http::Method;
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::{Value, json};

use super::{
    Given,
    codec::{Stop, choices::Choices},
    request, with_tree,
};
use crate::{fixture, route::Table};

const CASES: u32 = 5_000;

const TEXTS: [&str; 16] = [
    "",
    "1",
    "-1",
    "1.5",
    "007",
    "x",
    "true",
    "COLOUR_RED",
    "BLUE",
    "2026-01-31T12:00:00Z",
    "now",
    "1.5s",
    "AQI=",
    "a,b",
    "NaN",
    "9223372036854775808",
];

fn body(choices: &mut Choices<'_>, depth: u8) -> Value {
    let keys = [
        "displayName",
        "display_name",
        "tags",
        "inner",
        "inners",
        "byKey",
        "byNumber",
        "colour",
        "colours",
        "isOdd",
        "large",
        "ratio",
        "data",
        "madeAt",
        "took",
        "maybe",
        "anything",
        "one",
        "other",
        "note",
        "times",
        "someNumber",
        "some_number",
        "id",
        "nope",
        "1",
        "-0",
    ];
    match choices.byte() % if depth > 4 { 6 } else { 10 } {
        0 => Value::Null,
        1 => json!(choices.once_in(2)),
        2 => choices.one_of(&[
            json!(0),
            json!(1),
            json!(-1),
            json!(1.5),
            json!(1e300),
            json!(u64::MAX),
        ]),
        3..=5 => json!(choices.one_of(&TEXTS)),
        6 => (0..choices.below(3)).map(|_| body(choices, depth + 1)).collect(),
        _ => {
            let member = |_| (choices.one_of(&keys).to_owned(), body(choices, depth + 1));
            let count = usize::from(depth == 0) + 2;
            Value::Object((0..count).map(member).collect())
        }
    }
}

fn query(choices: &mut Choices<'_>) -> String {
    let names = [
        "pageSize",
        "page_size",
        "inner.someNumber",
        "inner.inner.some_number",
        "tags",
        "colour",
        "isOdd",
        "since",
        "since.seconds",
        "byKey",
        "inners",
        "token",
        "nope",
        "one",
        "other",
        "isTrial",
        "updateMask",
        "updateMask.paths",
        "thing.id",
        "thing.note",
        "ownerId",
        "id",
    ];
    let count = choices.below(4);
    let pair = |_| format!("{}={}", choices.one_of(&names), choices.one_of(&TEXTS));
    (0..count).map(pair).collect::<Vec<_>>().join("&")
}

/// A message as text, because NaN is not NaN.
fn shown(method: &MethodDescriptor, message: &[u8]) -> String {
    let message = DynamicMessage::decode(method.input(), message).unwrap();
    assert_eq!(message.unknown_fields().count(), 0);
    let mut json = serde_json::to_value(&message).unwrap();
    // The order of a mask means nothing.
    if let Some(Value::String(mask)) = json.get_mut("updateMask") {
        let mut paths: Vec<_> = mask.split(',').collect();
        paths.sort_unstable();
        *mask = paths.join(",");
    }
    json.to_string()
}

fn check(table: &Table, bytes: &[u8]) -> Result<bool, TestCaseError> {
    let mut choices = Choices(bytes);
    let routes = [
        (Method::POST, "/v1/things"),
        (Method::GET, "/v1/things"),
        (Method::PATCH, "/v1/owners/me/things/1"),
        (Method::GET, "/v1/numbers/7"),
        (Method::GET, "/v1/numbers/x"),
        (Method::POST, "/v1/choices/a"),
    ];
    let (verb, path) = choices.one_of(&routes);
    let found = table.find(&verb, path).unwrap();
    let query = if verb == Method::POST { String::new() } else { query(&mut choices) };
    let body = if verb == Method::GET { String::new() } else { body(&mut choices, 0).to_string() };
    let credential = |_| Some("s3cret");
    let given = Given { query: Some(&query), body: body.as_bytes(), credential: &credential };
    let told = format!("{verb} {path}?{query} {body}");
    let method = &found.route.rpc.method;
    let lane = found.route.lane.as_ref().unwrap();
    let direct = lane.request(&found, given);
    let tree = with_tree(lane.codec(), &found, given).map_err(|problem| problem.faults);
    match (direct, tree) {
        (Ok(direct), Ok(tree)) => {
            let whole = request(&found, given).unwrap();
            prop_assert_eq!(shown(method, &direct), shown(method, &tree), "{}", told);
            prop_assert_eq!(direct, whole);
            Ok(true)
        }
        (Err(Stop::Unusual(_)), _) | (Err(_), Err(_)) => Ok(false),
        (direct, tree) => Err(TestCaseError::fail(format!("{told}\n{direct:?}\n{tree:?}"))),
    }
}

#[test]
fn requests_become_the_messages_that_trees_make() {
    let table = fixture::table();
    let taken = std::cell::Cell::new(0);
    TestRunner::new(ProptestConfig::with_cases(CASES))
        .run(&vec(any::<u8>(), 0..60), |bytes| {
            taken.set(taken.get() + u32::from(check(&table, &bytes)?));
            Ok(())
        })
        .unwrap();
    // A test in which nothing is taken would agree with anything.
    assert!(taken.get() > CASES / 20, "{} of {CASES}", taken.get());
}

#[test]
fn replies_that_are_unusual_are_the_same_as_others() {
    let table = fixture::table();
    let found = table.find(&Method::POST, "/v1/things").unwrap();
    let reply = |message: &[u8]| super::reply(found.route, message.to_vec().into()).unwrap();
    // The id behind the name, and before it.
    let usual = reply(&[0x0a, 6, 0x0a, 1, b'1', 0x12, 1, b'D']);
    let unusual = reply(&[0x0a, 6, 0x12, 1, b'D', 0x0a, 1, b'1']);
    let read = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap();
    assert_eq!(read(&usual.json), read(&unusual.json));
    assert_eq!((usual.id, usual.etag), (unusual.id, unusual.etag));
    // A message in two pieces.
    let pieces = reply(&[0x0a, 3, 0x0a, 1, b'1', 0x0a, 3, 0x12, 1, b'D']);
    assert_eq!(read(&pieces.json), read(&reply(&[0x0a, 6, 0x0a, 1, b'1', 0x12, 1, b'D']).json));
    assert_eq!(pieces.id.as_deref(), Some("1"));
}

#[test]
fn secrets_stay_out_of_json_on_every_way() {
    let table = Table::read(proto::DESCRIPTORS).unwrap();
    let found = table.find(&Method::POST, "/api/sessions").unwrap();
    let output = found.route.rpc.method.output();
    let number = |name: &str| output.get_field_by_name(name).unwrap().number();
    let secret = |name: &str| {
        let mut field = vec![u8::try_from(number(name) << 3 | 2).unwrap(), 6];
        field.extend_from_slice(b"s3cret");
        field
    };
    let (access, refresh) = (secret("access_token"), secret("refresh_token"));
    for message in [[&*access, &*refresh].concat(), [&*refresh, &*access].concat()] {
        let reply = super::reply(found.route, message.into()).unwrap();
        assert!(!String::from_utf8_lossy(&reply.json).contains("s3cret"));
        assert_eq!(reply.credentials.len(), 2);
        assert!(reply.credentials.iter().all(|issued| issued.value == "s3cret"));
    }
}
