//! Headers: those that fields stand for, and those that answers have.

use prost_reflect::{FieldDescriptor, Value};

use super::{
    model::{Header, Or, Ordered, Parameter, Place},
    schema::Schema,
};
use crate::route::Route;

/// A quoted tag, a list of them, or `*` (RFC 9110, section 13.1.1).
const CONDITION: &str = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#;

/// What answers may carry, and what it means.
const ALL: [(&str, &str); 11] = [
    ("X-Request-Id", "Names the request in our logs; one that you send is kept."),
    (
        "RateLimit",
        "What is left of the budget that the request was taken from: `\"read\";r=12;t=31`.",
    ),
    ("RateLimit-Policy", "The budget that the request was taken from: `\"read\";q=600;w=60`."),
    ("Retry-After", "After how many seconds to try again."),
    ("WWW-Authenticate", "How to sign in."),
    ("ETag", "Names this version of what is shown; send it as If-None-Match or If-Match."),
    ("Location", "Where the new resource is."),
    ("Link", "The next page, with `rel=\"next\"` (RFC 8288)."),
    (
        "Idempotent-Replayed",
        "`true` if the request was done before, with the same Idempotency-Key.",
    ),
    ("Content-Range", "Which bytes these are, of how many."),
    ("Accept-Ranges", "`bytes` if parts of it can be asked for."),
];

/// The header that a field of a request stands for.
pub(super) fn of_field(field: &FieldDescriptor) -> Option<String> {
    let header = field.parent_pool().get_extension_by_name("mainstay.options.v1.header")?;
    let options = field.options();
    match &*options.get_extension(&header) {
        Value::String(name) if !name.is_empty() => Some(canonical(name)),
        _ => None,
    }
}

/// Whether a field holds a secret, which is moved into a cookie.
pub(super) fn is_credential(field: &FieldDescriptor) -> bool {
    let pool = field.parent_pool();
    let credential = pool.get_extension_by_name("mainstay.options.v1.credential");
    credential.is_some_and(|credential| field.options().has_extension(&credential))
}

/// Whether a route's request has a field that stands for a header.
pub(super) fn takes(route: &Route, name: &str) -> bool {
    let input = route.rpc.method.input();
    input.fields().any(|field| of_field(&field).is_some_and(|it| it.eq_ignore_ascii_case(name)))
}

/// What a header takes.
pub(super) fn schema(name: &str) -> Schema {
    match name {
        // A malformed If-None-Match is as good as none.
        "If-Match" => Schema::matching(CONDITION),
        "Idempotency-Key" => Schema { max_length: Some(255), ..Schema::matching("^[!-~]+$") },
        _ => Schema::text(),
    }
}

/// The headers of requests that follow from the shape of a method.
pub(super) fn parameters(route: &Route) -> Vec<Parameter> {
    let parameter = |name: &str, description: &str| Parameter {
        name: name.to_owned(),
        r#in: Place::Header,
        required: false,
        description: description.to_owned(),
        schema: schema(name),
        example: None,
    };
    let mut parameters = Vec::new();
    if takes_idempotency_key(route) {
        parameters.push(parameter(
            "Idempotency-Key",
            "A new value for each new request, such as a UUID: sent again with the same one \
             within 24 hours, the request is not done again.",
        ));
    }
    if has_condition(route) {
        parameters.push(parameter(
            "If-None-Match",
            "The ETag of what you have; the answer is 304 without a body if nothing has changed.",
        ));
    }
    parameters
}

/// Whether requests may be made safe to repeat.
pub(super) fn takes_idempotency_key(route: &Route) -> bool {
    route.method == http::Method::POST && route.rpc.has_side_effects
}

/// Whether what it shows can be compared with what a client has.
pub(super) fn has_condition(route: &Route) -> bool {
    let method = &route.rpc.method;
    let is_stream = method.is_client_streaming() || method.is_server_streaming();
    route.method == http::Method::GET && !is_stream
}

/// References to headers.
pub(super) fn named(names: &[&str]) -> Ordered<Or<Header>> {
    names.iter().map(|name| ((*name).to_owned(), Or::named("headers", name))).collect()
}

/// All headers of answers, for the components.
pub(super) fn components() -> Ordered<Header> {
    let header = |(name, description): (&str, &str)| {
        let schema = match name {
            "Retry-After" => Schema { minimum: Some(0), ..Schema::of("integer") },
            _ => Schema::text(),
        };
        (name.to_owned(), Header { description: description.to_owned(), schema })
    };
    ALL.into_iter().map(header).collect()
}

/// `if-match` as `If-Match`.
fn canonical(name: &str) -> String {
    let capital = |word: &str| {
        let mut word = word.to_ascii_lowercase();
        if let Some(first) = word.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        word
    };
    name.split('-').map(capital).collect::<Vec<_>>().join("-")
}
