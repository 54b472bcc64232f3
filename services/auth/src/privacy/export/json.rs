//! Messages in the JSON that the API speaks, fields without a value included.

use platform::Fatal;
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde::Serialize;
use serde_json::Serializer;

/// Writes messages of the contract.
#[derive(Clone, Debug)]
pub(crate) struct Json(DescriptorPool);

/// Why a message cannot be written.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum Error {
    #[error("the contract does not know {0}")]
    Unknown(String),
    #[error(transparent)]
    Decode(#[from] prost::DecodeError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

// === impl Json ===

impl Json {
    /// Reads the contract.
    pub(crate) fn new() -> Result<Self, Fatal> {
        let pool = DescriptorPool::decode(proto::DESCRIPTORS);
        Ok(Self(pool.map_err(|error| Fatal::Contract(error.to_string()))?))
    }

    /// A message on one line.
    pub(super) fn of<M: Message + Name>(&self, message: &M) -> Result<Vec<u8>, Error> {
        let name = M::full_name();
        let descriptor = self.0.get_message_by_name(&name).ok_or(Error::Unknown(name))?;
        let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())?;
        let mut text = Vec::new();
        let options = SerializeOptions::new().skip_default_fields(false);
        message.serialize_with_options(&mut Serializer::new(&mut text), &options)?;
        Ok(text)
    }

    /// Several messages.
    pub(super) fn all<M: Message + Name>(&self, messages: &[M]) -> Result<Vec<Vec<u8>>, Error> {
        messages.iter().map(|message| self.of(message)).collect()
    }
}

/// What is no message, for people to read.
pub(super) fn pretty(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    Ok(serde_json::to_vec_pretty(value)?)
}
