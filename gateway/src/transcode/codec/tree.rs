//! The same with trees of messages, for what is unusual.

use prost::Message;
use prost_reflect::{
    DeserializeOptions, DynamicMessage, ExtensionDescriptor, MessageDescriptor, SerializeOptions,
    Value,
};
use serde_json::{Deserializer, Serializer};

use super::{Absent, Error, Unknown, plan};

const NO_PLAN: Error = Error::Input("there is no such message");

/// Turns the wire form of a message into JSON.
pub(crate) fn to_json(
    descriptor: Option<&MessageDescriptor>,
    wire: &[u8],
    absent: Absent,
) -> Result<Vec<u8>, Error> {
    json_of(&decode(descriptor, wire)?, absent)
}

/// Turns JSON into the wire form of a message.
pub(crate) fn to_wire(
    descriptor: Option<&MessageDescriptor>,
    json: &[u8],
    unknown: Unknown,
) -> Result<Vec<u8>, Error> {
    let descriptor = descriptor.ok_or(NO_PLAN)?.clone();
    let secret = plan::credential(descriptor.parent_pool());
    let options = DeserializeOptions::new().deny_unknown_fields(unknown == Unknown::Refused);
    let mut json = Deserializer::from_slice(json);
    let message = DynamicMessage::deserialize_with_options(descriptor, &mut json, &options);
    let message = message.and_then(|message| json.end().map(|()| message));
    let mut message =
        message.map_err(|_cause| Error::Input("it is not the JSON of the message"))?;
    if remove_secrets(&mut message, secret.as_ref()) {
        return Err(Error::Input("a field is not one of the message"));
    }
    Ok(message.encode_to_vec())
}

fn decode(descriptor: Option<&MessageDescriptor>, wire: &[u8]) -> Result<DynamicMessage, Error> {
    let descriptor = descriptor.ok_or(NO_PLAN)?.clone();
    let secret = plan::credential(descriptor.parent_pool());
    let wrong = Error::Input("it is not the wire form of the message");
    let mut message = DynamicMessage::decode(descriptor, wire).map_err(|_cause| wrong)?;
    remove_secrets(&mut message, secret.as_ref());
    Ok(message)
}

fn json_of(message: &DynamicMessage, absent: Absent) -> Result<Vec<u8>, Error> {
    let options = SerializeOptions::new().skip_default_fields(absent == Absent::Omitted);
    let mut json = Serializer::new(Vec::new());
    let written = message.serialize_with_options(&mut json, &options);
    written.map_err(|_cause| Error::Output("a value of it has none"))?;
    Ok(json.into_inner())
}

/// Takes credentials out, wherever they are; true if there were any.
fn remove_secrets(message: &mut DynamicMessage, secret: Option<&ExtensionDescriptor>) -> bool {
    let Some(secret) = secret else { return false };
    let is_secret = |(field, _): &(prost_reflect::FieldDescriptor, &mut Value)| {
        field.options().has_extension(secret)
    };
    let secrets = message.fields_mut().filter(is_secret).map(|(field, _)| field);
    let secrets: Vec<_> = secrets.collect();
    for field in &secrets {
        message.clear_field(field);
    }
    let below =
        message.fields_mut().fold(false, |found, (_, value)| found | remove_below(value, secret));
    below || !secrets.is_empty()
}

fn remove_below(value: &mut Value, secret: &ExtensionDescriptor) -> bool {
    match value {
        Value::Message(message) => remove_secrets(message, Some(secret)),
        Value::List(values) => {
            values.iter_mut().fold(false, |found, value| found | remove_below(value, secret))
        }
        Value::Map(values) => {
            values.values_mut().fold(false, |found, value| found | remove_below(value, secret))
        }
        _ => false,
    }
}
