//! The parts of an OpenAPI 3.1 document, in the order in which they are written.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::schema::Schema;

/// A map that keeps the order of its making.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ordered<T>(pub(super) Vec<(String, T)>);

/// The document.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) openapi: &'static str,
    pub(super) info: Info,
    pub(super) servers: [Server; 1],
    pub(super) tags: Vec<Tag>,
    pub(super) paths: Ordered<Ordered<Operation>>,
    pub(super) components: Components,
}

#[derive(Debug, Serialize)]
pub(super) struct Info {
    pub(super) title: &'static str,
    pub(super) version: &'static str,
    pub(super) description: &'static str,
    pub(super) license: License,
}

#[derive(Debug, Serialize)]
pub(super) struct License {
    pub(super) name: &'static str,
    pub(super) identifier: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Server {
    pub(super) url: &'static str,
    pub(super) description: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Tag {
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
}

/// One method of one path.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operation {
    pub(super) operation_id: String,
    pub(super) summary: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    pub(super) tags: [String; 1],
    pub(super) security: Vec<BTreeMap<&'static str, Vec<&'static str>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parameters: Vec<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_body: Option<RequestBody>,
    pub(super) responses: Ordered<Or<Response>>,
    #[serde(rename = "x-mainstay-policy")]
    pub(super) policy: Policy,
    #[serde(rename = "x-mainstay-errors")]
    pub(super) errors: Vec<&'static str>,
}

/// What the contract's policy says of a method.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Policy {
    pub(super) rpc: String,
    pub(super) access: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) override_role: Option<String>,
    pub(super) rate_class: String,
    pub(super) criticality: String,
    pub(super) timeout_seconds: u32,
    pub(super) cache_seconds: u32,
    /// Which scope lets an API key's token call it; none: no such token may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<String>,
    pub(super) has_side_effects: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) r#in: Place,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) required: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    pub(super) schema: Schema,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) example: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    Path,
    Query,
    Header,
}

#[derive(Debug, Serialize)]
pub(super) struct RequestBody {
    pub(super) required: bool,
    pub(super) content: Ordered<Media>,
}

#[derive(Debug, Serialize)]
pub(super) struct Media {
    pub(super) schema: Schema,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) example: Option<Value>,
    #[serde(rename = "x-item-schema", skip_serializing_if = "Option::is_none")]
    pub(super) item_schema: Option<Schema>,
}

#[derive(Debug, Serialize)]
pub(super) struct Response {
    pub(super) description: String,
    #[serde(skip_serializing_if = "Ordered::is_empty")]
    pub(super) headers: Ordered<Or<Header>>,
    #[serde(skip_serializing_if = "Ordered::is_empty")]
    pub(super) content: Ordered<Media>,
    #[serde(skip_serializing_if = "Ordered::is_empty")]
    pub(super) links: Ordered<Link>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Header {
    pub(super) description: String,
    pub(super) schema: Schema,
}

/// Where to go from here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Link {
    pub(super) operation_id: String,
    pub(super) parameters: BTreeMap<String, String>,
}

/// What is used in many places, each under its name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Components {
    pub(super) schemas: BTreeMap<String, Schema>,
    pub(super) responses: Ordered<Response>,
    pub(super) headers: Ordered<Header>,
    pub(super) security_schemes: Ordered<Value>,
}

/// Something, or the name of it among the components.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Or<T> {
    Named(Reference),
    Here(Box<T>),
}

/// `#/components/responses/NotFound`.
#[derive(Debug, Serialize)]
pub(super) struct Reference {
    #[serde(rename = "$ref")]
    path: String,
}

// === impl Ordered ===

impl<T> Ordered<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(super) fn add(&mut self, key: impl Into<String>, value: T) {
        self.0.push((key.into(), value));
    }
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FromIterator<(String, T)> for Ordered<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

// === impl Or ===

impl<T> Or<T> {
    pub(super) fn named(kind: &str, name: &str) -> Self {
        Self::Named(Reference { path: format!("#/components/{kind}/{name}") })
    }
}

// === impl Reference ===

impl Reference {
    /// The last part: the name itself.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

// === impl Media ===

impl Media {
    pub(super) fn of(schema: Schema) -> Self {
        Self { schema, example: None, item_schema: None }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}
