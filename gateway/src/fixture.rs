//! A contract for tests, with the shapes that the product's own has not yet.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::route::Table;

const MESSAGES: &str = r#"
syntax = "proto3";
package fixture.v1;
import "google/api/annotations.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "mainstay/options/v1/policy.proto";

enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; }
message Inner { int32 some_number = 1; Inner inner = 2; }
message Thing {
  string id = 1;
  string display_name = 2;
  repeated string tags = 3;
  Inner inner = 4;
  repeated Inner inners = 5;
  map<string, Inner> by_key = 6;
  map<int32, string> by_number = 7;
  Colour colour = 8;
  repeated Colour colours = 9;
  bool is_odd = 10;
  int64 large = 11;
  double ratio = 12;
  bytes data = 13;
  google.protobuf.Timestamp made_at = 14;
  google.protobuf.Duration took = 15;
  google.protobuf.StringValue maybe = 16;
  google.protobuf.Struct anything = 17;
  oneof choice { string one = 18; string other = 19; }
  optional string note = 20;
  repeated google.protobuf.Timestamp times = 21;
}
message ListRequest {
  optional int32 page_size = 1;
  Inner inner = 2;
  repeated string tags = 3;
  Colour colour = 4;
  bool is_odd = 5;
  google.protobuf.Timestamp since = 6;
  map<string, Inner> by_key = 7;
  repeated Inner inners = 8;
  string token = 9 [(mainstay.options.v1.credential) = {kind: CREDENTIAL_KIND_ACCESS}];
}
message UpdateRequest {
  string owner_id = 1;
  Thing thing = 2;
  google.protobuf.FieldMask update_mask = 3;
  bool is_trial = 4;
}
message Secret {
  optional string token = 1 [(mainstay.options.v1.credential) = {kind: CREDENTIAL_KIND_ACCESS}];
}
message Plain {
  string token = 1 [(mainstay.options.v1.credential) = {kind: CREDENTIAL_KIND_ACCESS}];
}
message Deep { repeated Secret secrets = 1; }
message ThingResponse { Thing thing = 1; }
message ThingsResponse { repeated Thing things = 1; }
"#;

/// The routes of the contract for tests.
pub(crate) fn table() -> Table {
    let rpcs = [
        (
            "CreateThing",
            "Thing",
            "ThingResponse",
            r#"post: "/v1/things" body: "*" response_body: "thing""#,
        ),
        (
            "ListThings",
            "ListRequest",
            "ThingsResponse",
            r#"get: "/v1/things" response_body: "things""#,
        ),
        (
            "UpdateThing",
            "UpdateRequest",
            "Thing",
            r#"patch: "/v1/owners/{owner_id}/things/{thing.id}" body: "thing""#,
        ),
        ("ShowThing", "Thing", "Thing", r#"get: "/v1/numbers/{inner.some_number}""#),
        ("ChooseThing", "Thing", "Thing", r#"post: "/v1/choices/{one}" body: "*""#),
    ];
    let rpcs = rpcs.iter().map(|(name, input, output, http)| {
        let rpc = rpc(name, http).replace("(Thing) returns (Thing)", "(IN) returns (OUT)");
        rpc.replace("IN", input).replace("OUT", output)
    });
    Table::read(&with_service(&rpcs.collect::<String>())).unwrap()
}

/// A method that anybody may call.
pub(crate) fn rpc(name: &str, http: &str) -> String {
    let policy = "option (mainstay.options.v1.policy) = {access: ACCESS_PUBLIC};";
    format!(
        "rpc {name}(Thing) returns (Thing) {{ option (google.api.http) = {{{http}}}; {policy} }}"
    )
}

/// The descriptors of a contract with one service.
pub(crate) fn with_service(rpcs: &str) -> Vec<u8> {
    compile(&format!("{MESSAGES} service Things {{ {rpcs} }}"))
}

/// The descriptors of a contract that is one file.
pub(crate) fn compile(contract: &str) -> Vec<u8> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("gateway-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("fixture.proto"), contract).unwrap();
    let protos = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../proto"));
    let mut compiler = protox::Compiler::new([folder.clone(), protos]).unwrap();
    compiler.include_imports(true).open_file("fixture.proto").unwrap();
    let descriptors = compiler.encode_file_descriptor_set();
    fs::remove_dir_all(folder).unwrap();
    descriptors
}
