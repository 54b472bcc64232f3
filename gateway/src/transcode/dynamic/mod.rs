//! Transcoding with message trees, guided by descriptors.

mod body;
mod mask;
mod query;
mod reply;
mod value;

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, Value};
use serde_json::{Map, Value as Json};

pub(super) use self::reply::{Unreadable, reply};
use super::{Given, codec::Codec};
use crate::{
    problem::{Fault, Faults, Place},
    route::{CredentialKind, Found, Rpc},
};

/// Makes a request's message, and notes everything that is wrong with the request.
pub(super) fn message(
    codec: &Codec,
    found: &Found<'_>,
    body: &Map<String, Json>,
    given: Given<'_>,
    faults: &mut Faults,
) -> Bytes {
    let route = found.route;
    let mut message = DynamicMessage::new(route.rpc.method.input());
    query::fill(codec, route, given.query.unwrap_or_default(), &mut message, faults);
    body::fill(codec, route, body, &mut message, faults);
    for (field, text) in route.variables(&found.path) {
        match value::of_text(codec, field.leaf(), &text) {
            Ok(value) => field.put(&mut message, value),
            Err(expected) => {
                let place = Place::Parameter(field.json_name());
                faults.note(|| Fault::new(place, Fault::WRONG_TYPE, expected));
            }
        }
    }
    fill_credentials(&route.rpc, given.credential, &mut message);
    message.encode_to_vec().into()
}

fn fill_credentials<'a>(
    rpc: &Rpc,
    credential: impl Fn(CredentialKind) -> Option<&'a str>,
    message: &mut DynamicMessage,
) {
    for taken in &rpc.takes {
        if let Some(secret) = credential(taken.kind) {
            message.set_field(&taken.field, Value::String(secret.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests;
