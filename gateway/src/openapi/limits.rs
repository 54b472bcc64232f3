//! The field rules of the contract as JSON Schema.

use platform::rules::{Limits, ValueLimits};

use super::schema::Schema;

/// No text may have a NUL: PostgreSQL stores none.
const STORABLE: &str = r"^[^\u0000]*$";
/// What stands in a path must have one reading only: no slash, no escape of an
/// escape, no control character and no dot segment.
const ONE_SEGMENT: &str = r"^(?!\.{1,2}$)[^/\\%\u0000-\u001f\u007f-\u009f]+$";

/// Adds what the rules ask of a field.
pub(super) fn limited(mut schema: Schema, limits: &Limits) -> Schema {
    let Some(items) = schema.items.take() else { return value(schema, limits) };
    schema.items = Some(Box::new(value(*items, limits)));
    schema.min_items = Some(limits.min_items).filter(|min| *min > 0);
    schema.max_items = limits.max_items;
    schema.unique_items = limits.is_unique;
    schema
}

/// A text that stands in a path.
pub(super) fn in_path(schema: Schema) -> Schema {
    let is_free = schema.pattern.as_deref().is_none_or(|pattern| pattern == STORABLE);
    if schema.types != Schema::text().types || !is_free || schema.format.is_some() {
        return schema;
    }
    Schema { pattern: Some(ONE_SEGMENT.to_owned()), min_length: None, ..schema }
}

fn value(mut schema: Schema, limits: &Limits) -> Schema {
    match &limits.value {
        Some(ValueLimits::Int32 { min, max }) => {
            schema.minimum = Some((*min).into());
            schema.maximum = Some((*max).into());
            schema
        }
        Some(ValueLimits::Text { min, max, max_bytes, pattern }) => {
            schema.min_length = Some(*min).filter(|min| *min > 0);
            // A character is a byte at least.
            schema.max_length = max.or(*max_bytes);
            schema.pattern.clone_from(pattern);
            storable(schema)
        }
        None => schema,
    }
}

fn storable(mut schema: Schema) -> Schema {
    schema.pattern = Some(match schema.pattern.take() {
        None => STORABLE.to_owned(),
        // What spells out all of a text does so without a NUL.
        Some(whole) if whole.starts_with('^') && whole.ends_with('$') => whole,
        Some(part) => format!(r"^[^\u0000]*(?!\u0000)(?:{part})[^\u0000]*$"),
    });
    schema
}
