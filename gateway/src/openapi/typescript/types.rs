//! A schema as a TypeScript type.

use super::{
    super::schema::{Additional, Schema},
    member, quoted,
    writer::Writer,
};

/// The type of the values that a schema allows.
pub(super) fn of_schema(schema: &Schema) -> String {
    if let Some(name) = schema.name() {
        return format!("components[\"schemas\"][{}]", quoted(name));
    }
    if !schema.values.is_empty() {
        return joined(schema.values.iter().map(ToString::to_string), " | ");
    }
    if !schema.any_of.is_empty() {
        return joined(schema.any_of.iter().map(of_schema), " | ");
    }
    // Beside a type, the rest only narrows it in ways that TypeScript cannot say.
    if schema.types.0.is_empty() && !schema.all_of.is_empty() {
        return joined(schema.all_of.iter().map(of_schema), " & ");
    }
    if schema.types.0.is_empty() {
        return "unknown".to_owned();
    }
    joined(schema.types.0.iter().map(|kind| of_type(kind, schema)), " | ")
}

fn of_type(kind: &str, schema: &Schema) -> String {
    match kind {
        "array" => list(&schema.items.as_deref().map_or("unknown".to_owned(), of_schema)),
        "object" => object(schema),
        "integer" | "number" => "number".to_owned(),
        // The others are called alike: string, boolean, null.
        same => same.to_owned(),
    }
}

fn list(items: &str) -> String {
    if items.contains([' ', '\n']) { format!("({items})[]") } else { format!("{items}[]") }
}

fn object(schema: &Schema) -> String {
    if let Some(Additional::Each(each)) = &schema.additional_properties {
        return format!("{{ [key: string]: {} }}", of_schema(each));
    }
    if schema.properties.is_empty() {
        return "Record<string, never>".to_owned();
    }
    let mut out = Writer::default();
    out.block("", "", |out| {
        for (name, property) in &schema.properties.0 {
            out.comment(&property.description);
            out.value(&member(name, schema.required.contains(name)), &of_schema(property));
        }
    });
    out.finish().trim().to_owned()
}

fn joined(types: impl Iterator<Item = String>, between: &str) -> String {
    let mut known = Vec::new();
    for kind in types {
        if !known.contains(&kind) {
            known.push(kind);
        }
    }
    known.join(between)
}
