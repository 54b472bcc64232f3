//! Examples, made from what the contract says and the same every time.

use std::collections::BTreeMap;

use platform::rules::Limits;
use serde_json::{Map, Value};

use super::schema::Schema;

const ID: &str = "0197c5aa-bbcc-7000-8000-000000000001";
const TOKEN: &str = "b3BhcXVlIHRva2Vu";
const DEEPEST: u8 = 8;

/// A text that a field could hold: a word that its comment quotes, or its name.
pub(super) fn text(name: &str, comment: &str, limits: Option<&Limits>) -> Option<Value> {
    let words = name.replace('_', " ");
    let singular = words.strip_suffix('s').unwrap_or(&words);
    let mut title = singular.to_owned();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let long = format!("{title} {singular} {singular}");
    let known = match singular {
        "token" => TOKEN,
        it if it.ends_with(" token") => TOKEN,
        "email" => "ann@example.com",
        "id" => ID,
        it if it.ends_with(" id") => ID,
        _ => "",
    };
    let quoted = comment.split('`').skip(1).step_by(2);
    let is_plain = |char: char| char.is_ascii_alphanumeric() || ".-_".contains(char);
    let quoted = quoted.filter(|it| it.chars().all(is_plain));
    let candidates = [known, title.as_str(), singular, long.as_str()];
    let mut candidates = quoted.chain(candidates).filter(|it| !it.is_empty());
    let fits = |text: &&str| limits.is_none_or(|limits| limits.takes(text));
    candidates.find(fits).map(Value::from)
}

/// A value that a schema allows, with all that can be in it.
pub(super) fn value(schema: &Schema, components: &BTreeMap<String, Schema>) -> Option<Value> {
    compose(schema, components, 0)
}

fn compose(schema: &Schema, components: &BTreeMap<String, Schema>, depth: u8) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    if let Some(name) = schema.name() {
        return compose(components.get(name)?, components, depth + 1);
    }
    if let Some(known) = schema.examples.first().or(schema.values.first()) {
        return Some(known.clone());
    }
    if let Some(first) = schema.any_of.first() {
        return compose(first, components, depth + 1);
    }
    match schema.types.0.first().copied()? {
        "object" => Some(object(schema, components, depth)),
        "array" => {
            let item = compose(schema.items.as_ref()?, components, depth + 1);
            Some(Value::Array(item.into_iter().collect()))
        }
        "integer" => Some(schema.minimum.unwrap_or(0).max(1).into()),
        "number" => Some(1.5.into()),
        "boolean" => Some(true.into()),
        _ => None,
    }
}

fn object(schema: &Schema, components: &BTreeMap<String, Schema>, depth: u8) -> Value {
    let members = schema.properties.0.iter().filter_map(|(name, property)| {
        let value = compose(property, components, depth + 1)?;
        Some((name.clone(), value))
    });
    Value::Object(members.collect::<Map<_, _>>())
}
