//! The document as TypeScript types, in the shape that `openapi-typescript`
//! gives them, so that `openapi-fetch` and its like can be used with them.

mod types;
mod writer;

use self::{types::of_schema, writer::Writer};
use super::model::{Components, Document, Header, Media, Operation, Or, Ordered, Place, Response};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const PLACES: [(&str, Option<Place>); 4] = [
    ("query", Some(Place::Query)),
    ("header", Some(Place::Header)),
    ("path", Some(Place::Path)),
    ("cookie", None),
];

/// Writes the types of a document.
pub(super) fn types(document: &Document) -> String {
    let mut out = Writer::default();
    out.line(&format!("// The types of {} {}.", document.info.title, document.info.version));
    out.line("// With openapi-fetch: createClient<paths>({ baseUrl: \"/\" })");
    out.block("export interface paths", "", |out| {
        for (path, operations) in &document.paths.0 {
            out.block(&format!("{}:", quoted(path)), ";", |out| path_item(out, operations));
        }
    });
    out.line("export type webhooks = Record<string, never>;");
    out.block("export interface components", "", |out| components(out, &document.components));
    out.line("export type $defs = Record<string, never>;");
    out.block("export interface operations", "", |out| {
        let operations = document.paths.0.iter().flat_map(|(_, operations)| &operations.0);
        for (_, operation) in operations.filter(|(method, _)| !method.starts_with("x-")) {
            out.comment(&operation.summary);
            let name = member(&operation.operation_id, true);
            out.block(&name, ";", |out| self::operation(out, operation));
        }
    });
    out.finish()
}

fn path_item(out: &mut Writer, operations: &Ordered<Operation>) {
    out.block("parameters:", ";", |out| {
        for (place, _) in PLACES {
            out.line(&format!("{place}?: never;"));
        }
    });
    for method in METHODS {
        match operations.get(method) {
            Some(operation) => {
                out.comment(&format!("{}.\n{}", operation.summary, operation.description));
                let name = quoted(&operation.operation_id);
                out.line(&format!("{method}: operations[{name}];"));
            }
            None => out.line(&format!("{method}?: never;")),
        }
    }
}

fn operation(out: &mut Writer, operation: &Operation) {
    out.block("parameters:", ";", |out| {
        for (name, place) in PLACES {
            parameters(out, name, operation, place);
        }
    });
    match &operation.request_body {
        Some(body) => {
            let name = member("requestBody", body.required);
            out.block(&name, ";", |out| content(out, &body.content));
        }
        None => out.line("requestBody?: never;"),
    }
    out.block("responses:", ";", |out| {
        for (status, response) in &operation.responses.0 {
            match response {
                Or::Named(name) => {
                    let name = quoted(name.name());
                    out.line(&format!("{status}: components[\"responses\"][{name}];"));
                }
                Or::Here(response) => {
                    out.block(&format!("{status}:"), ";", |out| self::response(out, response));
                }
            }
        }
    });
}

fn parameters(out: &mut Writer, name: &str, operation: &Operation, place: Option<Place>) {
    let all = operation.parameters.iter();
    let wanted: Vec<_> = all.filter(|parameter| Some(parameter.r#in) == place).collect();
    if wanted.is_empty() {
        return out.line(&format!("{name}?: never;"));
    }
    let is_required = wanted.iter().any(|parameter| parameter.required);
    out.block(&member(name, is_required), ";", |out| {
        for parameter in wanted {
            out.comment(&parameter.description);
            let (name, kind) =
                (member(&parameter.name, parameter.required), of_schema(&parameter.schema));
            out.value(&name, &kind);
        }
    });
}

fn response(out: &mut Writer, response: &Response) {
    out.block("headers:", ";", |out| {
        for (name, header) in &response.headers.0 {
            out.value(&member(name, false), &header_type(header));
        }
        out.line("[name: string]: unknown;");
    });
    if response.content.is_empty() {
        out.line("content?: never;");
    } else {
        content(out, &response.content);
    }
}

fn header_type(header: &Or<Header>) -> String {
    match header {
        Or::Named(name) => format!("components[\"headers\"][{}]", quoted(name.name())),
        Or::Here(header) => of_schema(&header.schema),
    }
}

fn content(out: &mut Writer, content: &Ordered<Media>) {
    out.block("content:", ";", |out| {
        for (media_type, media) in &content.0 {
            out.value(&format!("{}:", quoted(media_type)), &of_schema(&media.schema));
        }
    });
}

fn components(out: &mut Writer, components: &Components) {
    out.block("schemas:", ";", |out| {
        for (name, schema) in &components.schemas {
            out.comment(&schema.description);
            out.value(&member(name, true), &of_schema(schema));
        }
    });
    out.block("responses:", ";", |out| {
        for (name, response) in &components.responses.0 {
            out.block(&member(name, true), ";", |out| self::response(out, response));
        }
    });
    out.line("parameters: never;");
    out.line("requestBodies: never;");
    out.block("headers:", ";", |out| {
        for (name, header) in &components.headers.0 {
            out.comment(&header.description);
            out.value(&member(name, true), &of_schema(&header.schema));
        }
    });
    out.line("pathItems: never;");
}

/// `name:`, `name?:` or `"a-name"?:`.
fn member(name: &str, is_required: bool) -> String {
    let is_plain = name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    let name = if is_plain { name.to_owned() } else { quoted(name) };
    if is_required { format!("{name}:") } else { format!("{name}?:") }
}

/// A text as JavaScript writes it, which is how JSON does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
