//! The messages of the contract as schemas: open and complete in replies, closed
//! in requests.

use std::collections::BTreeMap;

use platform::{access::Contract, rules::Limits};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{
    comments::Comments,
    examples, headers,
    kinds::{self, Direction},
    limits,
    names::Names,
    schema::{Additional, Schema},
};
use crate::route::{Body, Route};

/// Makes schemas, and keeps those that have names.
pub(super) struct Messages<'a> {
    pub(super) contract: &'a Contract,
    pub(super) comments: &'a Comments,
    pub(super) names: &'a Names,
    pub(super) made: BTreeMap<String, Schema>,
}

// === impl Messages ===

impl Messages<'_> {
    /// What a reply's message is in JSON.
    pub(super) fn reply(&mut self, message: &MessageDescriptor) -> Schema {
        self.named(&self.names.of_message(message), message, Direction::Reply)
    }

    /// What a field of a reply is in JSON.
    pub(super) fn reply_field(&mut self, field: &FieldDescriptor) -> Schema {
        self.whole(field, Direction::Reply)
    }

    /// What a route takes as its body; none if it takes none.
    pub(super) fn body(&mut self, route: &Route) -> Option<Schema> {
        let input = route.rpc.method.input();
        let (name, message, path) = match &route.body {
            Body::Nothing => return None,
            Body::Whole => (self.name_of_body(&input), input, String::new()),
            Body::Field(field) => {
                let message = field.kind().as_message()?.clone();
                let name = self.name_of_body(&message);
                (name, message, field.name().to_owned())
            }
        };
        let schema = self.part(route, &message, &path);
        Some(self.keep(name, schema))
    }

    /// A message that is shown too is another schema there, under its own name.
    fn name_of_body(&self, message: &MessageDescriptor) -> String {
        let name = self.names.of_message(message);
        if name.ends_with("Request") { name } else { format!("{name}Body") }
    }

    /// What a parameter takes.
    pub(super) fn parameter(&mut self, field: &FieldDescriptor, limits: Option<&Limits>) -> Schema {
        let schema = self.whole(field, Direction::Request);
        let schema = limits.map(|it| limits::limited(schema.clone(), it)).unwrap_or(schema);
        self.with_example(schema, field, limits)
    }

    /// What the rules ask of a field of a request.
    pub(super) fn limits(&self, field: &FieldDescriptor) -> Option<Limits> {
        self.contract.rules().limits(field.parent_message().full_name(), field.number())
    }

    /// A message that clients send, without what they may not give.
    fn part(&mut self, route: &Route, message: &MessageDescriptor, path: &str) -> Schema {
        let mut schema = Schema {
            additional_properties: Some(Additional::None),
            ..Schema::of("object").explained(self.comments.of_message(message))
        };
        for field in message.fields() {
            let separator = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{separator}{}", field.name());
            if route.is_hidden(&path) || headers::of_field(&field).is_some() {
                continue;
            }
            let is_top = route.rpc.method.input() == *message;
            let limits = self.limits(&field).filter(|_| is_top);
            let mut property = match field.kind().as_message() {
                Some(inner) if route.is_hidden_below(&path) => self.part(route, inner, &path),
                _ => self.parameter(&field, limits.as_ref()),
            };
            let is_required = limits.as_ref().is_some_and(|limits| limits.is_required);
            // Null is absent. Where the keys are what changes, it clears.
            let takes_null = match (&limits, &route.update_mask) {
                (Some(limits), Some(_)) => limits.takes_empty,
                _ => !is_required,
            };
            if takes_null && !kinds::takes_null(&field.kind()) {
                property = property.or_null();
            }
            let name = field.json_name().to_owned();
            schema.required.extend(is_required.then(|| name.clone()));
            schema.properties.add(name, self.explained(property, &field));
        }
        schema
    }

    /// A field with all its values.
    fn whole(&mut self, field: &FieldDescriptor, direction: Direction) -> Schema {
        let kind = field.kind();
        if let (true, Some(entry)) = (field.is_map(), kind.as_message()) {
            let value = entry.map_entry_value_field();
            return Schema::map(self.single(&value.kind(), direction));
        }
        let single = self.single(&kind, direction);
        if field.is_list() { Schema::list(single) } else { single }
    }

    fn single(&mut self, kind: &Kind, direction: Direction) -> Schema {
        match (kinds::schema(kind, direction), kind) {
            (Some(schema), _) => schema,
            (None, Kind::Message(message)) => {
                let name = self.names.of_message(message);
                let suffix = if direction == Direction::Request { "Input" } else { "" };
                self.named(&format!("{name}{suffix}"), message, direction)
            }
            (None, _) => Schema::default(),
        }
    }

    /// A message under a name. The name is taken before its fields are looked at,
    /// because a message may be inside itself.
    fn named(&mut self, name: &str, message: &MessageDescriptor, direction: Direction) -> Schema {
        if !self.made.contains_key(name) {
            self.made.insert(name.to_owned(), Schema::default());
            let schema = self.object(message, direction);
            self.made.insert(name.to_owned(), schema);
        }
        Schema::named(name)
    }

    fn object(&mut self, message: &MessageDescriptor, direction: Direction) -> Schema {
        let mut schema = Schema::of("object").explained(self.comments.of_message(message));
        let is_request = direction == Direction::Request;
        schema.additional_properties = is_request.then_some(Additional::None);
        for field in message.fields().filter(|field| !headers::is_credential(field)) {
            let property = self.whole(&field, direction);
            let mut property = self.with_example(property, &field, None);
            if is_request && !kinds::takes_null(&field.kind()) {
                property = property.or_null();
            }
            let name = field.json_name().to_owned();
            // Defaults are written; what has presence may be absent.
            let is_there = !is_request && !field.supports_presence();
            schema.required.extend(is_there.then(|| name.clone()));
            schema.properties.add(name, self.explained(property, &field));
        }
        schema
    }

    fn explained(&self, schema: Schema, field: &FieldDescriptor) -> Schema {
        schema.explained(self.comments.of_field(field))
    }

    fn with_example(
        &self,
        mut schema: Schema,
        field: &FieldDescriptor,
        limits: Option<&Limits>,
    ) -> Schema {
        if field.kind() == Kind::String && !field.is_map() {
            let example = examples::text(field.name(), self.comments.of_field(field), limits);
            let examples = example.into_iter().collect();
            match &mut schema.items {
                Some(items) => items.examples = examples,
                None => schema.examples = examples,
            }
        }
        schema
    }

    /// Keeps a schema under a name, or under another if that is taken.
    fn keep(&mut self, name: String, schema: Schema) -> Schema {
        let numbered = (2..).map(|number| format!("{name}{number}"));
        let mut names = [name.clone()].into_iter().chain(numbered);
        let free = names.find(|name| self.made.get(name).is_none_or(|made| *made == schema));
        let name = free.unwrap_or(name);
        self.made.insert(name.clone(), schema);
        Schema::named(&name)
    }
}
