//! What has to be known of a field.

use prost_reflect::{Cardinality, FieldDescriptor, Kind as Described, MessageDescriptor};

use super::{super::wire::WireType, EnumId, Ids, MessageId, enumeration::quoted};

/// A field of a message.
#[derive(Debug)]
pub(crate) struct Field {
    /// Its number.
    pub(crate) number: u32,
    /// Its name in the contract.
    pub(crate) name: Box<str>,
    /// Its name in JSON.
    pub(crate) json_name: Box<str>,
    /// `"jsonName":`
    pub(crate) key: Box<[u8]>,
    /// `"jsonName":""`, or whatever is written if it is absent; often nothing.
    pub(crate) absent: Box<[u8]>,
    /// What a value of it is.
    pub(crate) kind: Kind,
    /// How many values it has.
    pub(crate) count: Count,
    /// The bit of its `oneof`; 0 if it is in none.
    pub(crate) oneof: u64,
    /// Whether it holds a credential, which neither comes from JSON nor gets there.
    pub(crate) is_secret: bool,
    tag: [u8; 5],
    tag_length: usize,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    Text,
    Bytes,
    Enum(EnumId),
    Message(MessageId),
}

/// How many values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// One at most; `is_explicit` if its absence differs from its zero.
    Single { is_explicit: bool },
    /// Any number, numbers in one piece if `is_packed`.
    List { is_packed: bool },
    /// Any number, each with a key.
    Map,
}

// === impl Field ===

impl Field {
    /// None if there is something about it that needs a message tree.
    pub(super) fn plan(
        descriptor: &FieldDescriptor,
        message: &MessageDescriptor,
        ids: &Ids,
    ) -> Option<Self> {
        let kind = Kind::plan(&descriptor.kind(), ids)?;
        let count = Count::plan(descriptor);
        let wire_type = match count {
            Count::Map | Count::List { is_packed: true } => WireType::Length,
            _ => kind.wire_type(),
        };
        let is_secret = ids
            .credential
            .as_ref()
            .is_some_and(|credential| descriptor.options().has_extension(credential));
        let key = [&*quoted(descriptor.json_name()), b":"].concat();
        let (tag, tag_length) = tag(descriptor.number(), wire_type);
        Some(Self {
            number: descriptor.number(),
            name: descriptor.name().into(),
            json_name: descriptor.json_name().into(),
            absent: if is_secret { Box::default() } else { absent(&key, count, descriptor) },
            key: key.into(),
            kind,
            count,
            oneof: oneof(descriptor, message)?,
            is_secret,
            tag,
            tag_length,
        })
    }

    /// Writes what stands in front of its values.
    #[inline]
    pub(crate) fn put_tag(&self, out: &mut Vec<u8>) {
        match self.tag.get(..self.tag_length).unwrap_or_default() {
            [byte] => out.push(*byte),
            tag => out.extend_from_slice(tag),
        }
    }
}

/// None if the message has more of them than there are bits.
fn oneof(field: &FieldDescriptor, message: &MessageDescriptor) -> Option<u64> {
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
    let Some(oneof) = oneof else { return Some(0) };
    let at = message.oneofs().position(|other| other == oneof)?;
    1_u64.checked_shl(u32::try_from(at).ok()?)
}

fn tag(number: u32, wire_type: WireType) -> ([u8; 5], usize) {
    let wire_type = match wire_type {
        WireType::Varint => 0,
        WireType::Fixed64 => 1,
        WireType::Length => 2,
        WireType::Fixed32 => 5,
    };
    let mut rest = number << 3 | wire_type;
    let mut tag = [0; 5];
    let mut length = 0;
    for byte in &mut tag {
        length += 1;
        *byte = rest.to_le_bytes()[0] & 0x7f;
        rest >>= 7;
        if rest == 0 {
            break;
        }
        *byte |= 0x80;
    }
    (tag, length)
}

fn absent(key: &[u8], count: Count, field: &FieldDescriptor) -> Box<[u8]> {
    let zero = match count {
        Count::Single { is_explicit: true } => return Box::default(),
        Count::Single { is_explicit: false } => zero(&field.kind()),
        Count::List { .. } => b"[]"[..].into(),
        Count::Map => b"{}"[..].into(),
    };
    [key, &zero].concat().into()
}

/// What stands for a value that is not there.
pub(crate) fn zero(kind: &Described) -> Box<[u8]> {
    match kind {
        Described::String | Described::Bytes => b"\"\""[..].into(),
        Described::Bool => b"false"[..].into(),
        Described::Double | Described::Float => b"0.0"[..].into(),
        Described::Int64
        | Described::Uint64
        | Described::Sint64
        | Described::Fixed64
        | Described::Sfixed64 => b"\"0\""[..].into(),
        Described::Enum(kind) if kind.full_name() == "google.protobuf.NullValue" => {
            b"null"[..].into()
        }
        Described::Enum(kind) => quoted(kind.default_value().name()),
        _ => b"0"[..].into(),
    }
}

// === impl Kind ===

impl Kind {
    fn plan(kind: &Described, ids: &Ids) -> Option<Self> {
        Some(match kind {
            Described::Double => Self::Double,
            Described::Float => Self::Float,
            Described::Int32 => Self::Int32,
            Described::Int64 => Self::Int64,
            Described::Uint32 => Self::Uint32,
            Described::Uint64 => Self::Uint64,
            Described::Sint32 => Self::Sint32,
            Described::Sint64 => Self::Sint64,
            Described::Fixed32 => Self::Fixed32,
            Described::Fixed64 => Self::Fixed64,
            Described::Sfixed32 => Self::Sfixed32,
            Described::Sfixed64 => Self::Sfixed64,
            Described::Bool => Self::Bool,
            Described::String => Self::Text,
            Described::Bytes => Self::Bytes,
            Described::Enum(kind) => Self::Enum(*ids.enums.get(kind.full_name())?),
            Described::Message(kind) => Self::Message(*ids.messages.get(kind.full_name())?),
        })
    }

    /// How a single value is written.
    #[inline]
    pub(crate) fn wire_type(self) -> WireType {
        match self {
            Self::Double | Self::Fixed64 | Self::Sfixed64 => WireType::Fixed64,
            Self::Float | Self::Fixed32 | Self::Sfixed32 => WireType::Fixed32,
            Self::Text | Self::Bytes | Self::Message(_) => WireType::Length,
            _ => WireType::Varint,
        }
    }
}

// === impl Count ===

impl Count {
    fn plan(field: &FieldDescriptor) -> Self {
        if field.is_map() {
            Self::Map
        } else if field.is_list() {
            Self::List { is_packed: field.is_packed() }
        } else {
            let is_required = field.cardinality() == Cardinality::Required;
            Self::Single { is_explicit: is_required || field.supports_presence() }
        }
    }
}
