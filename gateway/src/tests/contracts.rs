//! What a contract may ask of the gateway, and what keeps it from starting.

use super::rig::CONTRACT;
use crate::{fixture, route::Table};

#[test]
fn what_no_client_could_call_keeps_the_gateway_from_starting() {
    Table::read(&fixture::compile(CONTRACT)).unwrap();
    let header = "[(mainstay.options.v1.header) = \"last-event-id\"]";
    for (was, is, problem) in [
        ("Watch(W", "Watch(stream W", "streams both ways"),
        ("Say(SayRequest)", "Say(stream SayRequest)", "without a google.api.HttpBody in them"),
        ("bool is_public = 2;", "google.api.HttpBody other = 2;", "takes two google.api.HttpBody"),
        ("body: \"file\"", "body: \"*\"", "takes a file that is not the body"),
        ("put: \"/v1/sink\"", "get: \"/v1/sink\"", "GET takes no body"),
        (
            "Pour(stream google.api.HttpBody) returns (UploadResponse)",
            "Pour(stream google.api.HttpBody) returns (google.api.HttpBody)",
            "takes a stream and gives a file",
        ),
        (
            "Renew(RenewRequest) returns (R",
            "Renew(RenewRequest) returns (stream R",
            "gives a credential in a stream",
        ),
        (
            "  string text = 2;\n",
            &format!("  string text = 2 {header};\n"),
            "two fields that name an event",
        ),
        (
            &format!("string id = 1 {header}"),
            &format!("int64 id = 1 {header}"),
            "names events by a field that is not a string",
        ),
        (
            "bool is_public = 2",
            &format!("bool is_public = 2 {header}"),
            "a header that is not a string: flow.v1",
        ),
    ] {
        assert_eq!(CONTRACT.matches(was).count(), 1, "{was}");
        let changed = fixture::compile(&CONTRACT.replace(was, is));
        let error = Table::read(&changed).unwrap_err().to_string();
        assert!(error.contains(problem), "{is}: {error}");
    }
}
