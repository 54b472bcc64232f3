//! The documents, against the table that they are made of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::fixture;

fn documents() -> Documents {
    Documents::of(&Table::read(proto::DESCRIPTORS).unwrap(), "__Host-access")
}

fn read(documents: &Documents) -> Value {
    serde_json::from_str(&documents.json).unwrap()
}

fn document() -> Value {
    read(&documents())
}

fn of(rpcs: &str) -> Value {
    let table = Table::read(&fixture::with_service(rpcs)).unwrap();
    read(&Documents::of(&table, "access"))
}

/// Every object in a value, with where it is.
fn objects<'a>(value: &'a Value, path: &str, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(members) => {
            found.push((path.to_owned(), value));
            for (name, member) in members {
                objects(member, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                objects(element, &format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn operations(document: &Value) -> BTreeMap<String, (String, String, &Value)> {
    let mut found = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let known = found.insert(id, (path.clone(), method.clone(), operation));
            assert!(known.is_none(), "an operation's id is its own: {path}");
        }
    }
    found
}

#[test]
fn every_route_has_its_operation_and_nothing_else_has_one() {
    let document = document();
    let told: BTreeSet<_> = operations(&document)
        .into_values()
        .map(|(path, method, _)| format!("{} {path}", method.to_uppercase()))
        .collect();
    let table = Table::read(proto::DESCRIPTORS).unwrap();
    let served = table.routes().map(|route| format!("{} {}", route.method, route.template));
    assert_eq!(told, served.collect());
}

#[test]
fn the_same_contract_gives_the_same_bytes() {
    let (one, other) = (documents(), documents());
    assert_eq!(one.json, other.json);
    assert_eq!(one.types, other.types);
    assert!(one.json.len() < 768 * 1024, "{}", one.json.len());
}

#[test]
fn no_reference_is_left_dangling() {
    for document in [document(), read(&Documents::of(&fixture::table(), "access"))] {
        let mut found = Vec::new();
        objects(&document, "", &mut found);
        let mut count = 0;
        for (path, object) in found {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{path} refers to {reference}");
                count += 1;
            }
            if let Some(id) = object.get("operationId").and_then(Value::as_str) {
                assert!(operations(&document).contains_key(id), "{path} leads to {id}");
            }
        }
        assert!(count > 20, "{count}");
    }
}

#[test]
fn secrets_and_what_the_gateway_fills_are_absent() {
    let document = document();
    let mut found = Vec::new();
    objects(&document["components"]["schemas"], "", &mut found);
    // Whoever exchanges a key asks for the token itself.
    let asked_for = |path: &str| path.starts_with("/ExchangeApiKeyResponse/");
    for (path, _) in found.iter().filter(|(path, _)| !asked_for(path)) {
        for name in ["accessToken", "refreshToken", "updateMask"] {
            assert!(!path.ends_with(&format!("/properties/{name}")), "{path}");
        }
    }
    let schemas = &document["components"]["schemas"];
    let draft = &schemas["CreatePostRequest"]["properties"];
    assert!(draft.get("userId").is_none(), "it is in the path");
    assert_eq!(schemas["CreatePostRequest"]["additionalProperties"], false);
}

#[test]
fn rules_of_the_contract_are_rules_of_the_schema() {
    let document = document();
    let user = &document["components"]["schemas"]["CreateUserRequest"];
    assert_eq!(user["required"], json!(["email", "username", "password"]));
    let (email, password) = (&user["properties"]["email"], &user["properties"]["password"]);
    // Not the format of that name: it is narrower than the rule.
    assert_eq!((email.get("format"), &email["maxLength"]), (None, &json!(254)));
    assert!(email["pattern"].as_str().unwrap().contains('@'));
    assert_eq!((&password["minLength"], &password["maxLength"]), (&json!(12), &json!(128)));
    let name = &user["properties"]["displayName"];
    assert_eq!(name["type"], json!(["string", "null"]), "null is absent");
    let tags = &document["components"]["schemas"]["CreatePostRequest"]["properties"]["tags"];
    assert_eq!((&tags["maxItems"], &tags["uniqueItems"]), (&json!(10), &json!(true)));
    assert_eq!(tags["items"]["maxLength"], 40);
    let update = &document["components"]["schemas"]["UpdateUserRequest"];
    assert_eq!(update.get("required"), None);
    assert_eq!(update["properties"]["username"]["type"], "string", "null would clear it");
    assert_eq!(update["properties"]["displayName"]["type"], json!(["string", "null"]));
    let operations = operations(&document);
    let size = &operations["listPosts"].2["parameters"][1];
    assert_eq!((&size["name"], &size["schema"]["maximum"]), (&json!("pageSize"), &json!(100)));
}

#[test]
fn access_rules_are_told() {
    let document = document();
    let operations = operations(&document);
    let told = |id: &str| operations[id].2;
    let known = json!([{"session": []}, {"bearer": []}]);
    assert_eq!(told("createPost")["security"], known);
    assert_eq!(told("getPost")["security"], json!([{}, {"session": []}, {"bearer": []}]));
    let policy = &told("unpublishPost")["x-mainstay-policy"];
    assert_eq!((&policy["access"], &policy["overrideRole"]), (&json!("self"), &json!("editor")));
    assert_eq!((&policy["rateClass"], &policy["hasSideEffects"]), (&json!("write"), &json!(true)));
    let scheme = &document["components"]["securitySchemes"]["session"];
    assert_eq!((&scheme["in"], &scheme["name"]), (&json!("cookie"), &json!("__Host-access")));
}

#[test]
fn errors_fit_their_operations() {
    let document = document();
    let operations = operations(&document);
    let has = |id: &str, code: &str| {
        operations[id].2["x-mainstay-errors"].as_array().unwrap().contains(&json!(code))
    };
    for (id, code, expected) in [
        ("createUser", "EMAIL_TAKEN", true),
        ("createPost", "EMAIL_TAKEN", false),
        ("createPost", "SLUG_TAKEN", true),
        ("createPost", "NOT_YOURS", true),
        ("createPost", "PAGE_TOKEN_INVALID", false),
        ("listPosts", "PAGE_TOKEN_INVALID", true),
        ("listPosts", "CROSS_SITE_REQUEST", false),
        ("listUsers", "ROLE_REQUIRED", true),
        ("createSession", "INVALID_CREDENTIALS", true),
        ("getPost", "INVALID_CREDENTIALS", false),
        ("getPost", "INTERNAL", true),
        ("getPost", "ROUTE_NOT_FOUND", false),
    ] {
        assert_eq!(has(id, code), expected, "{id} {code}");
    }
    for (id, (.., operation)) in &operations {
        for code in operation["x-mainstay-errors"].as_array().unwrap() {
            let reason = platform::status::find(code.as_str().unwrap()).unwrap();
            let answer = operation["responses"].get(reason.http.to_string());
            assert!(answer.is_some(), "{id} does not answer {}", reason.http);
        }
    }
}

#[test]
fn what_was_created_is_linked_to() {
    let document = document();
    let operations = operations(&document);
    let created = &operations["createPost"].2["responses"]["201"];
    assert_eq!(created["links"]["getPost"]["parameters"]["post_id"], "$response.body#/id");
    assert!(created["headers"].get("Location").is_some());
    let deleted = operations["deletePost"].2;
    assert!(deleted["responses"].get("204").is_some() && deleted.get("requestBody").is_none());
}

#[test]
fn paths_that_differ_in_names_alone_are_one_path() {
    let document = of(&(fixture::rpc("GetThing", r#"get: "/a/{id}""#)
        + &fixture::rpc("UpdateThing", r#"patch: "/a/{inner.some_number}" body: "*""#)
        + &fixture::rpc("ActThing", r#"post: "/a/{display_name}:act""#)
        + &fixture::rpc("ListThings", r#"get: "/b/{id=c/*/**}""#)));
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/a/{display_name}:act", "/a/{id}", "/b/c/{id_1}/{id_2}"]);
    let operations = operations(&document);
    let variable = |id: &str| operations[id].2["parameters"][0]["name"].clone();
    assert_eq!((variable("getThing"), variable("updateThing")), (json!("id"), json!("id")));
    assert_eq!(operations["updateThing"].2["parameters"][0]["schema"]["type"], "integer");
}

#[test]
fn several_routes_of_a_method_have_names_of_their_own() {
    let routes = r#"get: "/a" additional_bindings { get: "/a/{id}" }
        additional_bindings { get: "/b" } additional_bindings { custom { kind: "PURGE" path: "/a" } }"#;
    let document = of(&fixture::rpc("GetThing", routes));
    let operations = operations(&document);
    let ids: Vec<_> = operations.keys().map(String::as_str).collect();
    assert_eq!(ids, ["getThing", "getThing2", "getThing3", "getThingById"]);
    assert!(document["paths"]["/a"].get("x-purge").is_some());
}

#[test]
fn every_kind_of_field_has_a_schema() {
    let document = read(&Documents::of(&fixture::table(), "access"));
    let schemas = &document["components"]["schemas"];
    let member = |name: &str| &schemas["Thing"]["properties"][name];
    assert_eq!(member("large")["type"], "string");
    assert_eq!(member("large")["format"], "int64");
    assert_eq!(member("madeAt")["format"], "date-time");
    assert_eq!(member("data")["contentEncoding"], "base64");
    assert_eq!(member("maybe")["type"], json!(["string", "null"]));
    assert_eq!(member("byKey")["additionalProperties"]["$ref"], "#/components/schemas/Inner");
    assert_eq!(member("colours")["items"]["enum"], json!(["COLOUR_UNSPECIFIED", "COLOUR_RED"]));
    assert_eq!(member("anything")["additionalProperties"], json!({}));
    let required = schemas["Thing"]["required"].as_array().unwrap();
    assert!(required.contains(&json!("tags")) && !required.contains(&json!("note")));
    // In requests: closed, and without what the path fills.
    let body = &schemas["ThingBody2"]["properties"];
    assert!(schemas["ThingBody"]["properties"].get("id").is_some(), "of another route");
    assert!(body.get("id").is_none() && body.get("displayName").is_some());
    let inner = &schemas["InnerInput"];
    assert_eq!(inner["additionalProperties"], false);
    let operations = operations(&document);
    let query = operations["listThings"].2["parameters"].as_array().unwrap();
    let names: Vec<_> = query.iter().map(|it| it["name"].as_str().unwrap()).collect();
    for name in ["pageSize", "inner.someNumber", "inner.inner.someNumber", "tags", "since"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    for name in ["token", "byKey", "inners", "inner"] {
        assert!(!names.contains(&name), "{name}: {names:?}");
    }
}

#[test]
fn fields_that_stand_for_headers_are_headers() {
    let policy = "option (mainstay.options.v1.policy) = {access: ACCESS_USER};";
    let document = of(&format!(
        r#"}}
        message Tagged {{
          string id = 1;
          string etag = 2 [(mainstay.options.v1.header) = "if-match"];
          string name = 3;
        }}
        service Others {{
          rpc UpdateTagged(Tagged) returns (Tagged) {{
            option (google.api.http) = {{patch: "/a/{{id}}" body: "*"}}; {policy}
          }}
          rpc DeleteTagged(Tagged) returns (Secret) {{
            option (google.api.http) = {{delete: "/a/{{id}}"}}; {policy}
          }}"#
    ));
    let operations = operations(&document);
    for id in ["updateTagged", "deleteTagged"] {
        let parameters = operations[id].2["parameters"].as_array().unwrap();
        let header = parameters.iter().find(|it| it["in"] == "header").unwrap();
        assert_eq!(header["name"], "If-Match", "{id}");
        assert!(parameters.iter().all(|it| it["name"] != "etag"), "{id}");
        let responses = &operations[id].2["responses"];
        assert!(responses.get("412").is_some() && responses.get("428").is_some(), "{id}");
    }
    let body = &document["components"]["schemas"]["TaggedBody"]["properties"];
    assert!(body.get("etag").is_none() && body.get("name").is_some());
}

#[test]
fn types_name_every_operation_and_every_schema() {
    let documents = documents();
    let document = read(&documents);
    for (id, _) in operations(&document) {
        assert!(documents.types.contains(&format!("operations[\"{id}\"]")), "{id}");
        assert!(documents.types.contains(&format!("\n  {id}: {{")), "{id}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(documents.types.contains(&format!("\n    {name}: ")), "{name}");
    }
    let lines = documents.types.lines();
    let deep = lines.filter(|line| line.ends_with('{')).count();
    let shallow = documents.types.matches('\n').count();
    assert!(deep > 100 && shallow > 1000, "{deep} {shallow}");
}
