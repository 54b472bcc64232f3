//! JSON Schema 2020-12, as far as messages need it.

use serde::{Serialize, Serializer, ser::SerializeSeq as _};
use serde_json::Value;

use super::model::{Ordered, is_false};

/// What a JSON value must be. Everything that is left out allows anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Schema {
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Types::is_empty")]
    pub(super) types: Types,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_encoding: Option<&'static str>,
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub(super) values: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) minimum: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) maximum: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) items: Option<Box<Schema>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_items: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_items: Option<u64>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) unique_items: bool,
    #[serde(skip_serializing_if = "Ordered::is_empty")]
    pub(super) properties: Ordered<Schema>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) required: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) additional_properties: Option<Additional>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) all_of: Vec<Schema>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) any_of: Vec<Schema>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) examples: Vec<Value>,
}

/// The JSON types that a value may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Types(pub(super) Vec<&'static str>);

/// Members that are not named.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Additional {
    None,
    Each(Box<Schema>),
}

pub(super) const NULL: &str = "null";
const SCHEMAS: &str = "#/components/schemas/";

// === impl Schema ===

impl Schema {
    /// A value of one type.
    pub(super) fn of(kind: &'static str) -> Self {
        Self { types: Types(vec![kind]), ..Self::default() }
    }

    /// A text.
    pub(super) fn text() -> Self {
        Self::of("string")
    }

    /// A text that matches a regular expression.
    pub(super) fn matching(pattern: &str) -> Self {
        Self { pattern: Some(pattern.to_owned()), ..Self::text() }
    }

    /// A text of a known format.
    pub(super) fn formatted(format: &'static str) -> Self {
        Self { format: Some(format), ..Self::text() }
    }

    /// One of some texts.
    pub(super) fn one_of(values: impl IntoIterator<Item = String>) -> Self {
        Self { values: values.into_iter().map(Value::String).collect(), ..Self::text() }
    }

    /// A whole number between two.
    pub(super) fn whole(minimum: i64, maximum: i64) -> Self {
        Self { minimum: Some(minimum), maximum: Some(maximum), ..Self::of("integer") }
    }

    /// A list.
    pub(super) fn list(items: Self) -> Self {
        Self { items: Some(Box::new(items)), ..Self::of("array") }
    }

    /// An object whose members all have one schema.
    pub(super) fn map(each: Self) -> Self {
        let each = Some(Additional::Each(Box::new(each)));
        Self { additional_properties: each, ..Self::of("object") }
    }

    /// The component with a name.
    pub(super) fn named(name: &str) -> Self {
        Self { reference: Some(format!("{SCHEMAS}{name}")), ..Self::default() }
    }

    /// The name of the component that it stands for.
    pub(super) fn name(&self) -> Option<&str> {
        self.reference.as_deref()?.strip_prefix(SCHEMAS)
    }

    /// The same, explained.
    #[must_use]
    pub(super) fn explained(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The same, or null.
    #[must_use]
    pub(super) fn or_null(mut self) -> Self {
        if self.types.0.contains(&NULL) {
            return self;
        }
        if self.reference.is_some() || !self.any_of.is_empty() {
            let description = std::mem::take(&mut self.description);
            let examples = std::mem::take(&mut self.examples);
            let any_of = vec![self, Self::of(NULL)];
            return Self { description, any_of, examples, ..Self::default() };
        }
        if !self.types.0.is_empty() {
            self.types.0.push(NULL);
        }
        if !self.values.is_empty() {
            self.values.push(Value::Null);
        }
        self
    }
}

// === impl Types ===

impl Types {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Types {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let [only] = self.0.as_slice() {
            return serializer.serialize_str(only);
        }
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|kind| list.serialize_element(kind))?;
        list.end()
    }
}

// === impl Additional ===

impl Serialize for Additional {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_bool(false),
            Self::Each(schema) => schema.serialize(serializer),
        }
    }
}
