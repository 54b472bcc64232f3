//! The rules of `google.api.http`, by example. The cases follow those that other
//! implementations of the rules are tested with (Envoy, grpc-gateway, vanguard-go).

mod paths;
mod rules;
