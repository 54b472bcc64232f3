//! A service's message as a JSON body, without its secrets.

use bytes::Bytes;
use prost::DecodeError;
use prost_reflect::{DynamicMessage, FieldDescriptor, SerializeOptions, Value};
use serde_json::Serializer;

use super::super::{Issued, Reply};
use crate::route::{CredentialField, Route};

/// A service sent what is not the message that it promised.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum Unreadable {
    #[error("the reply is not the message of the contract")]
    Message(#[from] DecodeError),
    #[error("the reply cannot be turned into JSON: {0}")]
    Direct(&'static str),
    #[error("the reply has no JSON form")]
    Json(#[from] serde_json::Error),
}

/// Makes the body that a reply stands for, and takes the secrets out of it.
pub(in super::super) fn reply(route: &Route, message: Bytes) -> Result<Reply, Unreadable> {
    let mut message = DynamicMessage::decode(route.rpc.method.output(), message)?;
    let issued = route.rpc.gives.iter().filter_map(|given| take(&mut message, given));
    let credentials = issued.collect();
    let shown = route.response_field.as_ref().map(|field| message.get_field(field).into_owned());
    let (json, id, etag) = match (shown, &route.response_field) {
        (Some(Value::Message(resource)), _) => {
            (json(&resource)?, text(&resource, "id"), text(&resource, "etag"))
        }
        (Some(_), Some(field)) => (member(&message, field)?, None, None),
        _ => (json(&message)?, None, text(&message, "etag")),
    };
    Ok(Reply { json: json.into(), credentials, id, etag: etag.filter(|etag| !etag.is_empty()) })
}

fn take(message: &mut DynamicMessage, given: &CredentialField) -> Option<Issued> {
    if !message.has_field(&given.field) {
        return None;
    }
    let Some(Value::String(value)) = message.take_field(&given.field) else { return None };
    let expires_at = given.expires_at.as_ref().filter(|field| message.has_field(field));
    let expires_at = expires_at.and_then(|field| seconds(message, field));
    Some(Issued { kind: given.kind, value, expires_at })
}

fn seconds(message: &DynamicMessage, timestamp: &FieldDescriptor) -> Option<i64> {
    let timestamp = message.get_field(timestamp);
    timestamp.as_message()?.get_field_by_name("seconds")?.as_i64()
}

fn text(resource: &DynamicMessage, field: &str) -> Option<String> {
    resource.get_field_by_name(field)?.as_str().map(str::to_owned)
}

fn json(message: &DynamicMessage) -> Result<Vec<u8>, serde_json::Error> {
    // Defaults are written, so that the shape of an answer does not depend on
    // its values.
    let options = SerializeOptions::new().skip_default_fields(false);
    let mut json = Serializer::new(Vec::new());
    message.serialize_with_options(&mut json, &options)?;
    Ok(json.into_inner())
}

/// A field that is not a message: a list, mostly.
fn member(message: &DynamicMessage, field: &FieldDescriptor) -> Result<Vec<u8>, serde_json::Error> {
    let whole: serde_json::Value = serde_json::from_slice(&json(message)?)?;
    let member = whole.get(field.json_name()).unwrap_or(&serde_json::Value::Null);
    serde_json::to_vec(member)
}
