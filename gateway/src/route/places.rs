//! Where a client wrote a field that a service names.

use prost_reflect::{FieldDescriptor, MessageDescriptor};

use super::{Body, Route, field::either_name};
use crate::problem::Place;

/// One step into a message: a field's name, an index or a key.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Field(&'a str),
    Inside(&'a str),
}

// === impl Route ===

impl Route {
    /// Translates a field such as `tags[1]` to the place in the client's request.
    pub(crate) fn place_of(&self, field: &str) -> Place {
        let variable = self.variables.iter().find(|variable| variable.name() == field);
        if let Some(variable) = variable {
            return Place::Parameter(variable.json_name());
        }
        if let Some(filled) = self.rpc.headers.iter().find(|it| it.field.name() == field) {
            return Place::Header(canonical(filled.header.as_str()));
        }
        let steps = steps(field);
        let input = self.rpc.method.input();
        match (&self.body, steps.as_slice()) {
            (Body::Whole, steps) => pointer(&input, steps),
            (Body::Field(body), [Step::Field(first), inside @ ..]) if *first == body.name() => {
                match body.kind().as_message() {
                    Some(message) if !body.is_list() => pointer(message, inside),
                    _ => pointer(&input, inside),
                }
            }
            (Body::Field(_) | Body::Nothing, steps) => {
                let fields = steps.iter().filter(|step| matches!(step, Step::Field(_)));
                Place::Parameter(names(&input, fields).join("."))
            }
        }
    }
}

/// A header as people write it: `If-Match`.
fn canonical(header: &str) -> String {
    let words = header.split('-').map(|word| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join("-")
}

fn pointer<'a>(
    message: &MessageDescriptor,
    steps: impl IntoIterator<Item = &'a Step<'a>>,
) -> Place {
    let names = names(message, steps);
    Place::Pointer(names.iter().fold("#".to_owned(), |pointer, name| below(&pointer, name)))
}

/// The pointer to a member of what another points at (RFC 6901, section 3).
///
/// A name that is no name but a flood is cut short.
pub(crate) fn below(pointer: &str, name: &str) -> String {
    const LONGEST: usize = 100;
    let (name, rest) = match name.char_indices().nth(LONGEST) {
        Some((end, _)) => (name.get(..end).unwrap_or_default(), "…"),
        None => (name, ""),
    };
    format!("{pointer}/{}{rest}", name.replace('~', "~0").replace('/', "~1"))
}

/// The steps as clients write them; a name that no message has stays as it is.
fn names<'a>(
    message: &MessageDescriptor,
    steps: impl IntoIterator<Item = &'a Step<'a>>,
) -> Vec<String> {
    let mut message = Some(message.clone());
    let translate = |step: &Step<'_>| match step {
        Step::Inside(key) => (*key).to_owned(),
        Step::Field(name) => {
            let field = message.as_ref().and_then(|message| either_name(message, name));
            message = field.as_ref().and_then(inside);
            field.map_or_else(|| (*name).to_owned(), |field| field.json_name().to_owned())
        }
    };
    steps.into_iter().map(translate).collect()
}

/// The message in a field, or in a member of it.
fn inside(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let message = field.kind().as_message().cloned()?;
    if field.is_map() { inside(&message.map_entry_value_field()) } else { Some(message) }
}

/// Splits `post.tags[1]` into its steps.
fn steps(field: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in field.split('.').filter(|part| !part.is_empty()) {
        let mut pieces = part.split('[');
        steps.extend(pieces.next().filter(|name| !name.is_empty()).map(Step::Field));
        let keys = pieces.map(|piece| piece.trim_end_matches(']').trim_matches('"'));
        steps.extend(keys.map(Step::Inside));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn fields_are_named_as_the_client_wrote_them() {
        let pointer = |text: &str| Place::Pointer(text.to_owned());
        let parameter = |text: &str| Place::Parameter(text.to_owned());
        for (method, path, field, expected) in [
            ("POST", "/v1/things", "display_name", pointer("#/displayName")),
            ("POST", "/v1/things", "tags[1]", pointer("#/tags/1")),
            ("POST", "/v1/things", "inner.some_number", pointer("#/inner/someNumber")),
            ("POST", "/v1/things", "inners[2].some_number", pointer("#/inners/2/someNumber")),
            (
                "POST",
                "/v1/things",
                "by_key[\"a/b\"].some_number",
                pointer("#/byKey/a~1b/someNumber"),
            ),
            ("POST", "/v1/things", "not_known", pointer("#/not_known")),
            ("POST", "/v1/things", "", pointer("#")),
            ("GET", "/v1/things", "page_size", parameter("pageSize")),
            ("GET", "/v1/things", "inner.some_number", parameter("inner.someNumber")),
            ("GET", "/v1/things", "tags[3]", parameter("tags")),
            ("PATCH", "/v1/owners/1/things/2", "owner_id", parameter("ownerId")),
            ("PATCH", "/v1/owners/1/things/2", "thing.id", parameter("thing.id")),
            ("PATCH", "/v1/owners/1/things/2", "thing.display_name", pointer("#/displayName")),
            ("PATCH", "/v1/owners/1/things/2", "thing", pointer("#")),
            ("PATCH", "/v1/owners/1/things/2", "is_trial", parameter("isTrial")),
        ] {
            let table = fixture::table();
            let found = table.find(&method.parse().unwrap(), path).unwrap();
            assert_eq!(found.route.place_of(field), expected, "{method} {path} {field}");
        }
    }
}
