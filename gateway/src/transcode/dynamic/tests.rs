use http::Method;
use prost_reflect::ReflectMessage;
use serde_json::json;

use super::*;
use crate::{
    fixture,
    route::Table,
    transcode::{self, Issued},
};

/// What a request becomes: the message in canonical JSON, or what is wrong.
fn sent(method: &str, target: &str, body: &str) -> Result<Json, Vec<String>> {
    let table = fixture::table();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let found = table.find(&method.parse().unwrap(), path).unwrap();
    let credential = |_| Some("s3cret");
    let given = Given { query: Some(query), body: body.as_bytes(), credential: &credential };
    match transcode::request(&found, given) {
        Ok(message) => {
            let input = found.route.rpc.method.input();
            let message = DynamicMessage::decode(input, message).unwrap();
            assert_eq!(message.unknown_fields().count(), 0);
            Ok(serde_json::to_value(&message).unwrap())
        }
        Err(problem) => Err(problem
            .faults
            .iter()
            .map(|fault| {
                let (Place::Pointer(place) | Place::Parameter(place) | Place::Header(place)) =
                    &fault.place;
                let suggestion = fault.suggestion.as_deref().map(|s| format!(" ({s})"));
                format!("{place} {}{}", fault.code, suggestion.unwrap_or_default())
            })
            .collect()),
    }
}

fn wrong(method: &str, target: &str, body: &str) -> Vec<String> {
    sent(method, target, body).unwrap_err()
}

#[test]
fn bodies_become_messages_in_either_spelling() {
    let whole = json!({
        "id": "1", "displayName": "D", "tags": ["a", "b"], "inner": {"someNumber": 3, "inner": {}},
        "inners": [{"someNumber": 1}, {}], "byKey": {"x": {"someNumber": 2}}, "byNumber": {"-7": "y"},
        "colour": "COLOUR_RED", "colours": ["COLOUR_RED", "COLOUR_UNSPECIFIED"], "isOdd": true,
        "large": "9007199254740993", "ratio": 1.5, "data": "AQI=", "madeAt": "2026-01-31T12:00:00Z",
        "took": "1.500s", "maybe": "m", "anything": {"a": [1.0, null]}, "one": "o", "note": "",
        "times": ["2026-01-31T12:00:00Z"],
    });
    assert_eq!(sent("POST", "/v1/things", &whole.to_string()).unwrap(), whole);
    let snake = r#"{"display_name": "D", "made_at": "2026-01-31T13:00:00+01:00", "inner": {"some_number": "3"}}"#;
    let expected =
        json!({"displayName": "D", "madeAt": "2026-01-31T12:00:00Z", "inner": {"someNumber": 3}});
    assert_eq!(sent("POST", "/v1/things", snake).unwrap(), expected);
    let nothing =
        r#"{"displayName": null, "tags": null, "inner": null, "madeAt": null, "note": null}"#;
    assert_eq!(sent("POST", "/v1/things", nothing).unwrap(), json!({}));
    assert_eq!(sent("POST", "/v1/things", "").unwrap(), json!({}));
}

#[test]
fn everything_that_is_wrong_with_a_body_is_told_at_once() {
    let body = json!({
        "displayname": "D", "nonsense~/": 1, "tags": "a", "inner": {"someNumbr": 1, "inner": []},
        "inners": [{}, 1, {"someNumber": "x"}], "byKey": {"k/1": {"someNumber": 2_147_483_648_u32}},
        "byNumber": {"x": "y"}, "colour": "RED", "colours": ["COLOUR_RED", null], "isOdd": "true",
        "large": 1.5, "ratio": {}, "data": "*", "madeAt": "yesterday", "took": "1", "maybe": 1,
        "anything": [], "one": "o", "other": "p", "note": 5, "id": 7,
    });
    let mut told = wrong("POST", "/v1/things", &body.to_string());
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "#/anything WRONG_TYPE",
            "#/byKey/k~11/someNumber WRONG_TYPE",
            "#/byNumber/x WRONG_TYPE",
            "#/colour WRONG_TYPE",
            "#/colours/1 WRONG_TYPE",
            "#/data WRONG_TYPE",
            "#/displayname UNKNOWN_FIELD (displayName)",
            "#/id WRONG_TYPE",
            "#/inner/inner WRONG_TYPE",
            "#/inner/someNumbr UNKNOWN_FIELD (someNumber)",
            "#/inners/1 WRONG_TYPE",
            "#/inners/2/someNumber WRONG_TYPE",
            "#/isOdd WRONG_TYPE",
            "#/large WRONG_TYPE",
            "#/madeAt WRONG_TYPE",
            "#/maybe WRONG_TYPE",
            "#/nonsense~0~1 UNKNOWN_FIELD",
            "#/note WRONG_TYPE",
            "#/other DUPLICATE",
            "#/ratio WRONG_TYPE",
            "#/tags WRONG_TYPE",
            "#/took WRONG_TYPE",
        ]
    );
    let twice = r#"{"displayName": "a", "display_name": "b"}"#;
    assert_eq!(wrong("POST", "/v1/things", twice).len(), 1);
}

#[test]
fn queries_become_messages() {
    let query = "pageSize=5&inner.some_number=7&inner.inner.someNumber=8&tags=a&tags=b+c%26&colour=COLOUR_RED\
                 &is_odd=true&since=2026-01-31T12:00:00Z&";
    let expected = json!({
        "pageSize": 5, "inner": {"someNumber": 7, "inner": {"someNumber": 8}}, "tags": ["a", "b c&"],
        "colour": "COLOUR_RED", "isOdd": true, "since": "2026-01-31T12:00:00Z", "token": "s3cret",
    });
    assert_eq!(sent("GET", &format!("/v1/things?{query}"), "").unwrap(), expected);
    let number = sent("GET", "/v1/things?colour=1", " {} ").unwrap();
    assert_eq!(number["colour"], "COLOUR_RED");
}

#[test]
fn everything_that_is_wrong_with_a_query_is_told_at_once() {
    for (query, expected) in [
        ("pagesize=1", "pagesize UNKNOWN_PARAMETER (pageSize)"),
        ("nonsense=1", "nonsense UNKNOWN_PARAMETER"),
        ("pageSize=abc", "pageSize WRONG_TYPE"),
        ("pageSize=", "pageSize WRONG_TYPE"),
        ("pageSize=1.5", "pageSize WRONG_TYPE"),
        ("pageSize=1&page_size=2", "page_size DUPLICATE"),
        ("isOdd=yes", "isOdd WRONG_TYPE"),
        ("colour=BLUE", "colour WRONG_TYPE"),
        ("since=now", "since WRONG_TYPE"),
        ("tags=%ff", "tags WRONG_TYPE"),
        ("tags=%2", "tags WRONG_TYPE"),
        // Neither messages nor what only cookies carry.
        ("inner=1", "inner UNKNOWN_PARAMETER"),
        ("inners.someNumber=1", "inners.someNumber UNKNOWN_PARAMETER"),
        ("byKey=1", "byKey UNKNOWN_PARAMETER"),
        ("token=mine", "token UNKNOWN_PARAMETER"),
        ("pageSize.x=1", "pageSize.x UNKNOWN_PARAMETER (pageSize)"),
        ("=1", " UNKNOWN_PARAMETER"),
    ] {
        assert_eq!(wrong("GET", &format!("/v1/things?{query}"), ""), [expected], "{query}");
    }
    assert_eq!(wrong("GET", "/v1/things?a=1&pageSize=x", r#"{"b": 1}"#).len(), 3);
    // With a body that fills the whole message nothing is left for the query.
    assert_eq!(wrong("POST", "/v1/things?id=1", ""), ["id UNKNOWN_PARAMETER"]);
}

#[test]
fn patches_change_what_they_name() {
    let target = "/v1/owners/me/things/%31?isTrial=true";
    let body = r#"{"displayName": "D", "note": null, "tags": []}"#;
    let mut message = sent("PATCH", target, body).unwrap();
    let mask = message.as_object_mut().unwrap().remove("updateMask").unwrap();
    let mut paths: Vec<_> = mask.as_str().unwrap().split(',').collect();
    paths.sort_unstable();
    assert_eq!(paths, ["displayName", "note", "tags"]);
    assert_eq!(
        message,
        json!({"ownerId": "me", "isTrial": true, "thing": {"id": "1", "displayName": "D"}})
    );
    // The path says which thing; the mask is made of the keys.
    assert_eq!(wrong("PATCH", target, r#"{"id": "2"}"#), ["#/id UNKNOWN_FIELD"]);
    for (query, expected) in [
        ("updateMask=id", "updateMask UNKNOWN_PARAMETER"),
        ("ownerId=2", "ownerId UNKNOWN_PARAMETER"),
        ("thing.id=2", "thing.id UNKNOWN_PARAMETER"),
        ("thing.note=2", "thing.note UNKNOWN_PARAMETER"),
    ] {
        assert_eq!(wrong("PATCH", &format!("/v1/owners/me/things/1?{query}"), ""), [expected]);
    }
}

#[test]
fn a_variable_that_is_no_number_is_a_wrong_parameter() {
    assert_eq!(sent("GET", "/v1/numbers/7", "").unwrap()["inner"]["someNumber"], 7);
    assert_eq!(wrong("GET", "/v1/numbers/x", ""), ["inner.someNumber WRONG_TYPE"]);
}

#[test]
fn members_of_a_oneof_exclude_one_another_wherever_they_are() {
    assert_eq!(wrong("GET", "/v1/numbers/7?one=a&other=b", ""), ["other DUPLICATE"]);
    assert_eq!(wrong("POST", "/v1/choices/a", r#"{"other": "b"}"#), ["#/other DUPLICATE"]);
    let chosen = sent("POST", "/v1/choices/a", r#"{"displayName": "D", "other": null}"#);
    assert_eq!(chosen.unwrap(), json!({"one": "a", "displayName": "D"}));
}

#[test]
fn what_a_parameter_fills_is_open_neither_as_a_whole_nor_in_parts() {
    let target = "/v1/owners/me/things/1?updateMask.paths=note";
    assert_eq!(wrong("PATCH", target, "{}"), ["updateMask.paths UNKNOWN_PARAMETER"]);
}

fn replied(table: &Table, method: &Method, path: &str, reply: Json) -> transcode::Reply {
    let found = table.find(method, path).unwrap();
    let message = DynamicMessage::deserialize(found.route.rpc.method.output(), reply).unwrap();
    assert_eq!(message.descriptor(), found.route.rpc.method.output());
    transcode::reply(found.route, message.encode_to_vec().into()).unwrap()
}

#[test]
fn answers_have_the_same_shape_whatever_is_in_them() {
    let reply =
        replied(&fixture::table(), &Method::POST, "/v1/things", json!({"thing": {"id": "1"}}));
    let expected = json!({
        "id": "1", "displayName": "", "tags": [], "inners": [], "byKey": {}, "byNumber": {},
        "colour": "COLOUR_UNSPECIFIED", "colours": [], "isOdd": false, "large": "0", "ratio": 0.0,
        "data": "", "times": [],
    });
    assert_eq!(serde_json::from_slice::<Json>(&reply.json).unwrap(), expected);
    assert_eq!(reply.id.as_deref(), Some("1"));
    let absent = replied(&fixture::table(), &Method::POST, "/v1/things", json!({}));
    assert!(serde_json::from_slice::<Json>(&absent.json).unwrap()["id"] == "");
    let list = replied(&fixture::table(), &Method::GET, "/v1/things", json!({"things": [{}]}));
    assert_eq!(serde_json::from_slice::<Json>(&list.json).unwrap().as_array().unwrap().len(), 1);
}

#[test]
fn secrets_leave_the_message_for_the_cookies() {
    let table = Table::read(proto::DESCRIPTORS).unwrap();
    let reply = json!({
        "session": {"id": "1"}, "accessToken": "s3cret-a", "refreshToken": "s3cret-r",
        "accessTokenExpiresAt": "1970-01-01T00:05:00Z",
    });
    let reply = replied(&table, &Method::POST, "/api/sessions", reply);
    assert!(!String::from_utf8(reply.json.to_vec()).unwrap().contains("s3cret"));
    let issued: Vec<_> = reply
        .credentials
        .into_iter()
        .map(|Issued { kind, value, expires_at }| (kind, value, expires_at))
        .collect();
    assert_eq!(
        issued,
        [
            (CredentialKind::Access, "s3cret-a".to_owned(), Some(300)),
            (CredentialKind::Refresh, "s3cret-r".to_owned(), None),
        ]
    );
    let ended = json!({"accessToken": "", "refreshToken": ""});
    let ended = replied(&table, &Method::DELETE, "/api/sessions/current", ended);
    assert!(ended.credentials.iter().all(|issued| issued.value.is_empty()));
    assert_eq!((ended.credentials.len(), &*ended.json), (2, &b"{}"[..]));
    let kept = replied(&table, &Method::DELETE, "/api/sessions/2", json!({}));
    assert!(kept.credentials.is_empty());
}

#[test]
fn a_reply_that_is_not_the_promised_message_is_our_fault() {
    let table = fixture::table();
    let found = table.find(&Method::POST, "/v1/things").unwrap();
    let status = transcode::reply(found.route, Bytes::from_static(b"\xff")).err().unwrap();
    assert_eq!(status.code(), tonic::Code::Internal);
}

#[test]
fn a_flood_of_faults_is_answered_in_a_few_words() {
    let body: Map<_, _> = (0..50_000).map(|n| (format!("key{n}"), json!(n))).collect();
    let body = Json::Object(body).to_string();
    assert_eq!(wrong("POST", "/v1/things", &body).len(), 100);
    let body = json!({"k".repeat(500_000): 1}).to_string();
    assert!(wrong("POST", "/v1/things", &body).iter().all(|told| told.len() < 200));
}
