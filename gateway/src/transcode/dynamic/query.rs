//! A query into a message, noting every parameter that does not fit.

use std::collections::HashSet;

use prost_reflect::{DynamicMessage, FieldDescriptor};

use super::{super::codec::Codec, value};
use crate::{
    percent,
    problem::{Fault, Faults, Place},
    route::{Body, FieldPath, Route},
};

/// Fills what neither the path nor the body fills.
pub(super) fn fill(
    codec: &Codec,
    route: &Route,
    query: &str,
    message: &mut DynamicMessage,
    faults: &mut Faults,
) {
    let mut seen = HashSet::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(text)) = (percent::decode_query(name), percent::decode_query(text))
        else {
            let place = Place::Parameter(name.to_owned());
            faults.note(|| Fault::new(place, Fault::WRONG_TYPE, "is not percent-encoded UTF-8"));
            continue;
        };
        let place = Place::Parameter(name.clone());
        let Some(field) = parameter(route, &name) else {
            faults.note(|| unknown(route, &name));
            continue;
        };
        if !seen.insert(field.name().to_owned()) && !field.is_list() {
            faults.note(|| Fault::new(place, Fault::DUPLICATE, "is there twice"));
            continue;
        }
        if route.fills_rival(field.leaf(), field.name()) || field.is_taken(message) {
            let detail = "excludes another parameter that is there";
            faults.note(|| Fault::new(place, Fault::DUPLICATE, detail));
            continue;
        }
        match value::of_text(codec, field.leaf(), &text) {
            Ok(value) => field.put(message, value),
            Err(expected) => faults.note(|| Fault::new(place, Fault::WRONG_TYPE, expected)),
        }
    }
}

/// The field that a parameter names, if it may be given in the query.
fn parameter(route: &Route, name: &str) -> Option<FieldPath> {
    let field = FieldPath::find(&route.rpc.method.input(), name)?;
    let first = field.name().split('.').next().unwrap_or_default();
    let is_in_body = match &route.body {
        Body::Nothing => false,
        Body::Whole => true,
        Body::Field(body) => body.name() == first,
    };
    (field.is_text() && !is_in_body && !route.is_hidden(field.name())).then_some(field)
}

/// A parameter that the route does not take; those inside messages are not suggested.
fn unknown(route: &Route, name: &str) -> Fault {
    let input = route.rpc.method.input();
    let known = input.fields().filter(|field| parameter(route, field.name()).is_some());
    let known: Vec<_> = known.collect();
    let known: Vec<_> = known.iter().map(FieldDescriptor::json_name).collect();
    Fault::unknown(Place::Parameter(name.to_owned()), name, &known)
}
