//! A field inside a message, such as `post.id`.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

/// A field of a message, or of a message inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldPath {
    parents: Vec<FieldDescriptor>,
    leaf: FieldDescriptor,
    name: String,
}

/// Well-known messages that are a single text or number in JSON.
const PLAIN: [&str; 12] = [
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
    "google.protobuf.FieldMask",
    "google.protobuf.StringValue",
    "google.protobuf.BytesValue",
    "google.protobuf.BoolValue",
    "google.protobuf.Int32Value",
    "google.protobuf.Int64Value",
    "google.protobuf.UInt32Value",
    "google.protobuf.UInt64Value",
    "google.protobuf.FloatValue",
    "google.protobuf.DoubleValue",
];

/// Finds a field by either of its names.
pub(crate) fn either_name(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name))
}

// === impl FieldPath ===

impl FieldPath {
    /// Finds a field by its path; all before the last name must be single messages.
    pub(crate) fn find(message: &MessageDescriptor, path: &str) -> Option<Self> {
        let mut parents = Vec::new();
        let mut message = message.clone();
        let mut names = path.split('.').peekable();
        loop {
            let field = either_name(&message, names.next()?)?;
            if names.peek().is_none() {
                let name = parents.iter().chain([&field]).map(FieldDescriptor::name);
                let name = name.collect::<Vec<_>>().join(".");
                return Some(Self { parents, leaf: field, name });
            }
            message = field.kind().as_message().filter(|_| is_single(&field))?.clone();
            parents.push(field);
        }
    }

    /// The last field.
    pub(crate) fn leaf(&self) -> &FieldDescriptor {
        &self.leaf
    }

    /// The path as the contract writes it: `post.author_id`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The path as clients write it: `post.authorId`.
    pub(crate) fn json_name(&self) -> String {
        let fields = self.parents.iter().chain([&self.leaf]);
        fields.map(FieldDescriptor::json_name).collect::<Vec<_>>().join(".")
    }

    /// Whether the field can be written as one text, or several if it is a list.
    pub(crate) fn is_text(&self) -> bool {
        let is_plain = match self.leaf.kind() {
            Kind::Message(message) => PLAIN.contains(&message.full_name()),
            _ => true,
        };
        is_plain && !self.leaf.is_map()
    }

    /// Whether it is a list.
    pub(crate) fn is_list(&self) -> bool {
        self.leaf.is_list()
    }

    /// Whether only one of two can have a value: they are the same field, or members
    /// of one `oneof`.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        let choice = |field: &FieldDescriptor| {
            field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
        };
        let is_beside = self.parents == other.parents;
        let is_choice =
            is_beside && choice(&self.leaf).is_some_and(|one| choice(&other.leaf) == Some(one));
        self.name == other.name || is_choice
    }

    /// Whether a message has another member of a `oneof` that the field, or a
    /// message around it, is a member of.
    pub(crate) fn is_taken(&self, message: &DynamicMessage) -> bool {
        let mut message = Some(message.clone());
        self.parents.iter().chain([&self.leaf]).any(|field| {
            let Some(around) = &message else { return false };
            let is_taken = rivals(field).iter().any(|rival| around.has_field(rival));
            message = around.get_field(field).as_message().cloned();
            is_taken
        })
    }

    /// Whether it fills another member of a `oneof` that a field, found by its path
    /// in the contract, is a member of.
    pub(crate) fn is_rival_of(&self, field: &FieldDescriptor, path: &str) -> bool {
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        let rivals = rivals(field);
        let mut names = String::new();
        self.parents.iter().chain([&self.leaf]).any(|step| {
            let is_rival = names == parent && rivals.contains(step);
            let separator = if names.is_empty() { "" } else { "." };
            names = format!("{names}{separator}{}", step.name());
            is_rival
        })
    }

    /// Sets the field, or adds to it if it is a list.
    pub(crate) fn put(&self, message: &mut DynamicMessage, value: Value) {
        let mut message = message;
        for parent in &self.parents {
            let Value::Message(next) = message.get_field_mut(parent) else { return };
            message = next;
        }
        match message.get_field_mut(&self.leaf) {
            Value::List(values) => values.push(value),
            single => *single = value,
        }
    }
}

/// The other members of a field's `oneof`.
fn rivals(field: &FieldDescriptor) -> Vec<FieldDescriptor> {
    let members = field.containing_oneof().into_iter();
    let members = members.flat_map(|oneof| oneof.fields().collect::<Vec<_>>());
    members.filter(|member| member != field).collect()
}

fn is_single(field: &FieldDescriptor) -> bool {
    !field.is_list() && !field.is_map()
}
