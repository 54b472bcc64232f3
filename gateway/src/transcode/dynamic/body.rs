//! A JSON object into a message, noting every member that does not fit.

use std::collections::{HashMap, HashSet};

use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value,
};
use serde_json::{Map, Value as Json};

use super::{super::codec::Codec, mask, value};
use crate::{
    problem::{Fault, Faults, Place},
    route::{Body, Route, below, either_name},
};

/// Fills what the body of a route's requests fills.
pub(super) fn fill(
    codec: &Codec,
    route: &Route,
    body: &Map<String, Json>,
    message: &mut DynamicMessage,
    faults: &mut Faults,
) {
    let mut reading = Reading { codec, route, faults };
    let root = Spot { pointer: "#".to_owned(), path: String::new() };
    match &route.body {
        Body::Nothing => {
            for key in body.keys() {
                reading.faults.note(|| Fault::unknown(root.below(key, key).place(), key, &[]));
            }
        }
        Body::Whole => reading.members(message, body, &root),
        Body::Field(field)
            if is_taken(field, message) || route.fills_rival(field, field.name()) =>
        {
            reading.note(&root, Fault::DUPLICATE, "excludes a parameter that is there");
        }
        Body::Field(field) => {
            let inside = Spot { path: field.name().to_owned(), ..root };
            let json = Json::Object(body.clone());
            if let Some(value) = reading.single(field, &json, &inside) {
                message.set_field(field, value);
            }
        }
    }
    mask::fill(route, body, message);
}

struct Reading<'a> {
    codec: &'a Codec,
    route: &'a Route,
    faults: &'a mut Faults,
}

/// A place in the body: as the client writes it, and as the contract does.
struct Spot {
    pointer: String,
    path: String,
}

// === impl Spot ===

impl Spot {
    fn below(&self, key: &str, name: &str) -> Self {
        let separator = if self.path.is_empty() { "" } else { "." };
        Self { pointer: below(&self.pointer, key), path: format!("{}{separator}{name}", self.path) }
    }

    fn place(&self) -> Place {
        Place::Pointer(self.pointer.clone())
    }
}

// === impl Reading ===

impl Reading<'_> {
    fn members(&mut self, message: &mut DynamicMessage, json: &Map<String, Json>, spot: &Spot) {
        let mut seen = HashSet::new();
        for (key, json) in json {
            let Some((field, spot)) = self.field(&message.descriptor(), key, spot) else {
                continue;
            };
            if !seen.insert(field.number()) {
                self.note(&spot, Fault::DUPLICATE, "is there twice, under both of its names");
                continue;
            }
            if is_null(&field, json) {
                continue;
            }
            let is_elsewhere = self.route.fills_rival(&field, &spot.path);
            if is_elsewhere || is_taken(&field, message) {
                self.note(&spot, Fault::DUPLICATE, "excludes another field that is there");
                continue;
            }
            if let Some(value) = self.value(&field, json, &spot) {
                message.set_field(&field, value);
            }
        }
    }

    /// The field that a key names, unless clients may not give it.
    fn field(
        &mut self,
        message: &MessageDescriptor,
        key: &str,
        spot: &Spot,
    ) -> Option<(FieldDescriptor, Spot)> {
        let is_open =
            |field: &FieldDescriptor| !self.route.is_hidden(&spot.below(key, field.name()).path);
        let field = either_name(message, key).filter(is_open);
        if let Some(field) = field {
            let spot = spot.below(key, field.name());
            return Some((field, spot));
        }
        let fault = || {
            let open: Vec<_> = message.fields().filter(is_open).collect();
            let known: Vec<_> = open.iter().map(FieldDescriptor::json_name).collect();
            Fault::unknown(spot.below(key, key).place(), key, &known)
        };
        self.faults.note(fault);
        None
    }

    fn value(&mut self, field: &FieldDescriptor, json: &Json, spot: &Spot) -> Option<Value> {
        match json {
            Json::Array(elements) if field.is_list() => Some(self.list(field, elements, spot)),
            Json::Object(members) if field.is_map() => self.map(field, members, spot),
            _ if field.is_list() => self.note(spot, Fault::WRONG_TYPE, "must be a list"),
            _ if field.is_map() => self.note(spot, Fault::WRONG_TYPE, "must be an object"),
            _ => self.single(field, json, spot),
        }
    }

    fn list(&mut self, field: &FieldDescriptor, elements: &[Json], spot: &Spot) -> Value {
        let mut values = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            // The path stays that of the list: nothing inside one is hidden.
            let pointer = below(&spot.pointer, &index.to_string());
            let spot = Spot { pointer, path: spot.path.clone() };
            values.extend(self.single(field, element, &spot));
        }
        Value::List(values)
    }

    fn map(
        &mut self,
        field: &FieldDescriptor,
        members: &Map<String, Json>,
        spot: &Spot,
    ) -> Option<Value> {
        let kind = field.kind();
        let entry = kind.as_message()?;
        let (key_field, value_field) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        let mut values: HashMap<MapKey, Value> = HashMap::new();
        for (key, json) in members {
            let spot = Spot { pointer: below(&spot.pointer, key), path: spot.path.clone() };
            let parsed = value::of_text(self.codec, &key_field, key);
            match parsed.map(Value::into_map_key) {
                Ok(Some(key)) => {
                    let value = self.single(&value_field, json, &spot);
                    values.extend(value.map(|value| (key, value)));
                }
                Ok(None) => return None,
                Err(expected) => {
                    self.note(&spot, Fault::WRONG_TYPE, &format!("has a key that {expected}"));
                }
            }
        }
        Some(Value::Map(values))
    }

    fn single(&mut self, field: &FieldDescriptor, json: &Json, spot: &Spot) -> Option<Value> {
        if let Kind::Message(message) = field.kind()
            && message.package_name() != "google.protobuf"
        {
            let Json::Object(members) = json else {
                return self.note(spot, Fault::WRONG_TYPE, "must be an object");
            };
            let mut inside = DynamicMessage::new(message);
            self.members(&mut inside, members, spot);
            return Some(Value::Message(inside));
        }
        match value::of_json(self.codec, field, json) {
            Ok(value) => Some(value),
            Err(expected) => self.note(spot, Fault::WRONG_TYPE, &expected),
        }
    }

    fn note(&mut self, spot: &Spot, code: &'static str, detail: &str) -> Option<Value> {
        self.faults.note(|| Fault::new(spot.place(), code, detail));
        None
    }
}

/// ProtoJSON: null stands for a field that is absent, unless null is a value of it.
fn is_null(field: &FieldDescriptor, json: &Json) -> bool {
    let takes_null = match field.kind() {
        Kind::Message(message) => message.full_name() == "google.protobuf.Value",
        Kind::Enum(kind) => kind.full_name() == "google.protobuf.NullValue",
        _ => false,
    };
    json.is_null() && (!takes_null || field.is_list())
}

/// Whether another member of the field's `oneof` is there.
pub(super) fn is_taken(field: &FieldDescriptor, message: &DynamicMessage) -> bool {
    let mut members =
        field.containing_oneof().into_iter().flat_map(|oneof| oneof.fields().collect::<Vec<_>>());
    members.any(|member| message.has_field(&member))
}
