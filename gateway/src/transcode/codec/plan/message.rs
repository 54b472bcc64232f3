//! What has to be known of a message.

use prost_reflect::{MessageDescriptor, Syntax};

use super::{Field, Ids, field};

/// As many fields as a pass can remember to have seen.
const MOST_FIELDS: usize = 256;
/// Numbers from here on are searched for.
const DENSE: u32 = 512;

/// A message and its fields.
#[derive(Debug)]
pub(crate) struct Message {
    /// How it looks in JSON.
    pub(crate) form: Form,
    /// Its fields, by number, ascending.
    pub(crate) fields: Box<[Field]>,
    /// The JSON of a value of a wrapper, or of a map, that is not there.
    pub(crate) zero: Box<[u8]>,
    /// The place of a field with a low number, counted from 1.
    by_number: Box<[u16]>,
    /// The places of fields by both of their names, ascending.
    by_name: Box<[(Box<str>, u16)]>,
}

/// How a message looks in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// An object with a member for each field.
    Object,
    Timestamp,
    Duration,
    FieldMask,
    Struct,
    Value,
    List,
    Any,
    /// Its only field is all that is written.
    Wrapper,
    /// It takes a message tree.
    Unplanned,
}

// === impl Message ===

impl Message {
    pub(super) fn plan(descriptor: &MessageDescriptor, ids: &Ids) -> Self {
        let fields = descriptor.fields().map(|field| Field::plan(&field, descriptor, ids));
        let fields: Option<Vec<_>> = fields.collect();
        let is_proto3 = descriptor.parent_file().syntax() == Syntax::Proto3;
        let fields = fields.filter(|fields| is_proto3 && fields.len() <= MOST_FIELDS);
        let form = if fields.is_some() { Form::of(descriptor) } else { Form::Unplanned };
        let mut fields = fields.unwrap_or_default();
        fields.sort_unstable_by_key(|field| field.number);
        let value = descriptor.get_field_by_name("value");
        Self {
            form,
            zero: value.map(|value| field::zero(&value.kind())).unwrap_or_default(),
            by_number: by_number(&fields),
            by_name: by_name(&fields),
            fields: fields.into(),
        }
    }

    /// The field with a number, and its place.
    #[inline]
    pub(crate) fn at(&self, number: u32) -> Option<(usize, &Field)> {
        let place = match self.by_number.get(usize::try_from(number).ok()?) {
            Some(place) => usize::from(*place).checked_sub(1)?,
            None => self.fields.binary_search_by_key(&number, |field| field.number).ok()?,
        };
        Some((place, self.fields.get(place)?))
    }

    /// The field at a place, unless it is a secret.
    #[inline]
    pub(crate) fn open_at(&self, place: usize) -> Option<&Field> {
        self.fields.get(place).filter(|field| !field.is_secret)
    }

    /// The field with a name, in either spelling, and its place.
    pub(crate) fn named(&self, name: &str) -> Option<(usize, &Field)> {
        let at = self.by_name.binary_search_by_key(&name, |(name, _)| name).ok()?;
        let (_, place) = self.by_name.get(at)?;
        let place = usize::from(*place);
        Some((place, self.fields.get(place)?))
    }
}

fn by_number(fields: &[Field]) -> Box<[u16]> {
    let low = fields.iter().take_while(|field| field.number < DENSE);
    let places = low.zip(1_u16..).map(|(field, place)| (field.number, place));
    let places: Vec<_> = places.collect();
    let end = places.last().map_or(0, |(number, _)| number + 1);
    let place = |number| places.binary_search_by_key(&number, |(number, _)| *number).ok();
    let place = |number| place(number).and_then(|at| places.get(at)).map_or(0, |(_, place)| *place);
    (0..end).map(place).collect()
}

fn by_name(fields: &[Field]) -> Box<[(Box<str>, u16)]> {
    let open = || fields.iter().zip(0_u16..).filter(|(field, _)| !field.is_secret);
    let mut names: Vec<_> = open().map(|(field, at)| (field.json_name.clone(), at)).collect();
    names.sort_unstable();
    // A name in JSON wins over the same name in the contract.
    for (field, at) in open() {
        if let Err(free) = names.binary_search_by_key(&&field.name, |(name, _)| name) {
            names.insert(free, (field.name.clone(), at));
        }
    }
    names.into()
}

// === impl Form ===

impl Form {
    fn of(descriptor: &MessageDescriptor) -> Self {
        match descriptor.full_name() {
            "google.protobuf.Timestamp" => Self::Timestamp,
            "google.protobuf.Duration" => Self::Duration,
            "google.protobuf.FieldMask" => Self::FieldMask,
            "google.protobuf.Struct" => Self::Struct,
            "google.protobuf.Value" => Self::Value,
            "google.protobuf.ListValue" => Self::List,
            "google.protobuf.Any" => Self::Any,
            "google.protobuf.DoubleValue"
            | "google.protobuf.FloatValue"
            | "google.protobuf.Int64Value"
            | "google.protobuf.UInt64Value"
            | "google.protobuf.Int32Value"
            | "google.protobuf.UInt32Value"
            | "google.protobuf.BoolValue"
            | "google.protobuf.StringValue"
            | "google.protobuf.BytesValue" => Self::Wrapper,
            _ => Self::Object,
        }
    }

    /// Whether it is one text or number in JSON.
    pub(crate) fn is_plain(self) -> bool {
        matches!(self, Self::Timestamp | Self::Duration | Self::FieldMask | Self::Wrapper)
    }
}
