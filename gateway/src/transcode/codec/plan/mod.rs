//! What the two passes have to know of every message, worked out at start so
//! that they look nothing up by name.

mod enumeration;
mod field;
mod message;

use std::{collections::HashMap, fmt};

use prost_reflect::{DescriptorPool, ExtensionDescriptor, MessageDescriptor};

pub(crate) use self::{
    enumeration::Enumeration,
    field::{Count, Field, Kind},
    message::{Form, Message},
};
use super::stop::Unusual;

/// A message of the contract, as [`Codec`](super::Codec) knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageId(usize);

/// An enum of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EnumId(usize);

/// The plans of all messages and enums.
pub(crate) struct Plans {
    messages: Vec<Message>,
    descriptors: Vec<MessageDescriptor>,
    enums: Vec<Enumeration>,
    ids: HashMap<String, MessageId>,
}

/// Where things will be, while plans are made.
struct Ids {
    messages: HashMap<String, MessageId>,
    enums: HashMap<String, EnumId>,
    credential: Option<ExtensionDescriptor>,
}

/// The option that says that a field holds a credential.
pub(crate) fn credential(pool: &DescriptorPool) -> Option<ExtensionDescriptor> {
    pool.get_extension_by_name("mainstay.options.v1.credential")
}

// === impl Plans ===

impl fmt::Debug for Plans {
    /// Descriptors are left out: those of a message inside itself have no end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plans").field("messages", &self.messages.len()).finish_non_exhaustive()
    }
}

impl Plans {
    /// Plans every message of a contract.
    pub(crate) fn new(pool: &DescriptorPool) -> Self {
        let descriptors: Vec<_> = pool.all_messages().collect();
        let enums: Vec<_> = pool.all_enums().collect();
        let named = descriptors.iter().enumerate();
        let messages = named.map(|(at, it)| (it.full_name().to_owned(), MessageId(at))).collect();
        let named = enums.iter().enumerate();
        let enum_ids = named.map(|(at, it)| (it.full_name().to_owned(), EnumId(at))).collect();
        let ids = Ids { messages, enums: enum_ids, credential: credential(pool) };
        Self {
            messages: descriptors.iter().map(|it| Message::plan(it, &ids)).collect(),
            enums: enums.iter().map(Enumeration::plan).collect(),
            ids: ids.messages,
            descriptors,
        }
    }

    /// Finds a message by its full name.
    pub(crate) fn id(&self, full_name: &str) -> Option<MessageId> {
        self.ids.get(full_name).copied()
    }

    /// The plan of a message; there is one for every id.
    #[inline]
    pub(crate) fn message(&self, id: MessageId) -> Result<&Message, Unusual> {
        self.messages.get(id.0).ok_or(Unusual::Unplanned)
    }

    /// What a plan was made of.
    pub(crate) fn descriptor(&self, id: MessageId) -> Option<&MessageDescriptor> {
        self.descriptors.get(id.0)
    }

    /// The plan of an enum; there is one for every id.
    #[inline]
    pub(crate) fn enumeration(&self, id: EnumId) -> Result<&Enumeration, Unusual> {
        self.enums.get(id.0).ok_or(Unusual::Unplanned)
    }

    /// Whether null is a value of a field and not its absence.
    pub(crate) fn takes_null(&self, field: &Field) -> bool {
        match (field.count, field.kind) {
            (Count::Single { .. }, Kind::Message(id)) => {
                self.message(id).is_ok_and(|message| message.form == Form::Value)
            }
            (Count::Single { .. }, Kind::Enum(id)) => {
                self.enumeration(id).is_ok_and(|plan| plan.is_null)
            }
            _ => false,
        }
    }
}
