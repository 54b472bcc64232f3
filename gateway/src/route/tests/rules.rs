//! Which rules a contract may have.

use http::Method;

use super::super::Table;
use crate::{fixture, problem::Place};

#[test]
fn every_kind_of_rule_leads_to_its_method() {
    let rpcs = fixture::rpc(
        "A",
        r#"get: "/a/{id}"
           additional_bindings { put: "/a/{id}" body: "*" }
           additional_bindings { post: "/b/{inner.some_number}" body: "inner" }
           additional_bindings { patch: "/a/{id}" body: "inner" response_body: "inner" }
           additional_bindings { custom { kind: "PURGE" path: "/a/{id}" } }"#,
    ) + &fixture::rpc("B", r#"delete: "/a/{id}""#);
    let table = Table::read(&fixture::with_service(&rpcs)).unwrap();
    let rpc = |method: &str, path: &str| {
        let found = table.find(&method.parse().unwrap(), path);
        found.map(|found| found.route.rpc.method.name().to_owned())
    };
    for (method, path, expected) in [
        ("GET", "/a/1", Some("A")),
        ("HEAD", "/a/1", Some("A")),
        ("PUT", "/a/1", Some("A")),
        ("PATCH", "/a/1", Some("A")),
        ("PURGE", "/a/1", Some("A")),
        ("POST", "/b/1", Some("A")),
        ("DELETE", "/a/1", Some("B")),
        ("POST", "/a/1", None),
        ("HEAD", "/b/1", None),
        ("get", "/a/1", None),
    ] {
        assert_eq!(rpc(method, path).as_deref(), expected, "{method} {path}");
    }
    let found = table.find(&Method::PATCH, "/a/1").unwrap();
    assert_eq!(found.route.response_field.as_ref().unwrap().name(), "inner");
    let found = table.find(&Method::POST, "/b/7").unwrap();
    let [(field, value)] = &found.route.variables(&found.path)[..] else { panic!("one") };
    assert_eq!((field.name(), value.as_str()), ("inner.some_number", "7"));
}

#[test]
fn routes_that_could_be_meant_by_the_same_path_are_refused() {
    for (one, other) in [
        ("/a/{id}", "/a/{display_name}"),
        ("/a/{id}", "/a/*"),
        ("/a/{id}", "/{id=a/*}"),
        ("/a/{id=**}", "/a/**"),
        ("/{id=a/*}/b", "/a/{id=*}/b"),
        ("/a/{id}:act", "/a/*:act"),
        ("/{id=a/*}:act", "/a/{display_name}:act"),
        ("/a/{id=**}:act", "/a/**:act"),
        ("/a%62/{id}", "/ab/{id}"),
    ] {
        let both = |one: &str, other: &str| {
            let rpcs = fixture::rpc("A", &format!("get: \"{one}\""))
                + &fixture::rpc("B", &format!("get: \"{other}\""));
            Table::read(&fixture::with_service(&rpcs))
        };
        for (one, other) in [(one, other), (other, one)] {
            let error = both(one, other).unwrap_err().to_string();
            assert!(error.contains("leads to both"), "{one} {other}: {error}");
        }
    }
}

#[test]
fn rules_that_could_not_be_kept_are_refused() {
    for (http, problem) in [
        (r#"get: "/a" body: "*""#, "GET takes no body"),
        (r#"delete: "/a" body: "inner""#, "DELETE takes no body"),
        (r#"post: "/a" body: "inner.inner""#, "body names no field"),
        (r#"post: "/a" body: "id""#, "not a message"),
        (r#"post: "/a" body: "inners""#, "not a message"),
        (r#"post: "/a" body: "by_key""#, "not a message"),
        (r#"post: "/a" response_body: "inner.inner""#, "response_body names no field"),
        (r#"get: "/a/{inner.nope}""#, "names inner.nope"),
        (r#"get: "/a/{inners.some_number}""#, "names inners.some_number"),
        (r#"get: "/a/{by_key.a}""#, "names by_key.a"),
        (r#"get: "/a/{id}/{id}""#, "names a field twice"),
        (r#"get: "/a/{display_name}/{displayName}""#, "names both display_name and display_name"),
        (r#"get: "/a/{one}/{other}""#, "names both one and other"),
        (r#"get: "a""#, "begin with a slash"),
        (r#"get: """#, "begin with a slash"),
        (r#"get: "/a/**/{id}""#, "wildcard behind **"),
        (r#"custom { kind: "*" path: "/a" }"#, "* cannot be"),
        (r#"custom { kind: "A B" path: "/a" }"#, "A B cannot be"),
        (
            r#"get: "/a" additional_bindings { get: "/b" additional_bindings { get: "/c" } }"#,
            "inside additional_bindings",
        ),
        (r#"get: "/a" additional_bindings { body: "*" }"#, "has no path"),
    ] {
        let error = Table::read(&fixture::with_service(&fixture::rpc("A", http))).unwrap_err();
        assert!(error.to_string().contains(problem), "{http}: {error}");
    }
    let taken = fixture::rpc("A", r#"get: "/a/{token}""#).replace("A(Thing)", "A(ListRequest)");
    let error = Table::read(&fixture::with_service(&taken)).unwrap_err().to_string();
    assert!(error.contains("which the gateway fills"), "{error}");
}

#[test]
fn what_a_header_fills_is_neither_in_the_body_nor_in_the_query() {
    let table = Table::read(proto::DESCRIPTORS).unwrap();
    let found = table.find(&Method::PATCH, "/api/posts/1").unwrap();
    assert!(found.route.is_hidden("etag") && !found.route.is_hidden("title"));
    assert_eq!(found.route.place_of("etag"), Place::Header("If-Match".to_owned()));
}
