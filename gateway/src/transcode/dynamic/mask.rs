//! JSON merge patch (RFC 7396): the keys that are there are what changes.

use prost_reflect::{DynamicMessage, Value};
use serde_json::{Map, Value as Json};

use crate::route::{Body, Route, either_name};

/// Names the keys of the body in the update mask, if the route has one.
pub(super) fn fill(route: &Route, body: &Map<String, Json>, message: &mut DynamicMessage) {
    let Some(mask) = &route.update_mask else { return };
    let scope = match &route.body {
        Body::Field(field) => field.kind().as_message().cloned(),
        Body::Whole | Body::Nothing => Some(route.rpc.method.input()),
    };
    let fields = body.keys().filter_map(|key| either_name(scope.as_ref()?, key));
    let paths = fields.map(|field| Value::String(field.name().to_owned())).collect();
    if let Value::Message(mask) = message.get_field_mut(mask) {
        mask.set_field_by_name("paths", Value::List(paths));
    }
}
