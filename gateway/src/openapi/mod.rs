//! The API for programs: an OpenAPI 3.1 document and TypeScript types.
//!
//! Both are made at start from the table that routes and the rules that services
//! enforce, so that they cannot say anything else.

mod comments;
mod errors;
mod examples;
mod headers;
mod kinds;
mod limits;
mod messages;
mod model;
mod names;
mod operation;
mod replies;
mod schema;
mod typescript;

use serde_json::json;

use self::{
    comments::Comments,
    messages::Messages,
    model::{Components, Document, Info, License, Link, Operation, Or, Ordered, Server, Tag},
    names::{Names, resource},
};
use crate::route::{Part, Route, Table};

const DESCRIPTION: &str = "The REST API of a backend for web content. The same methods are \
    served over gRPC by the services behind it.\n\nErrors are `application/problem+json`; \
    [every `code`](/docs/errors) is explained. Types for TypeScript: [/openapi.d.ts](/openapi.d.ts).";

/// The documents, as they are served.
#[derive(Debug)]
pub(crate) struct Documents {
    /// The OpenAPI document.
    pub(crate) json: String,
    /// The types.
    pub(crate) types: String,
}

// === impl Documents ===

impl Documents {
    /// Describes the routes of a table; browsers send their token in a cookie.
    pub(crate) fn of(table: &Table, cookie: &str) -> Self {
        let document = document(table, cookie);
        // A map with keys that are no texts is all that cannot be written; there is none.
        let json = serde_json::to_string_pretty(&document).unwrap_or_default();
        Self { json: json + "\n", types: typescript::types(&document) }
    }
}

fn document(table: &Table, cookie: &str) -> Document {
    let Some(pool) = table.routes().next().map(|route| route.rpc.method.parent_pool().clone())
    else {
        return assemble(Vec::new(), Ordered::default(), Components::of(cookie));
    };
    let (comments, names) = (Comments::read(&pool), Names::read(&pool));
    let mut messages = Messages {
        contract: table.contract(),
        comments: &comments,
        names: &names,
        made: errors::schemas().into(),
    };
    let (mut paths, mut ids, mut tags) = (Ordered::default(), Vec::new(), Vec::<Tag>::new());
    for route in table.routes() {
        let id = names.of_route(route, &ids);
        let service = route.rpc.method.parent_service();
        let tag = resource(service);
        if tags.iter().all(|known| known.name != tag) {
            let description = comments.of_service(service).to_owned();
            tags.push(Tag { name: tag, description });
        }
        place(route, id.clone(), &mut paths, &mut messages);
        ids.push(id);
    }
    link(table, &ids, &mut paths);
    let components = Components { schemas: messages.made, ..Components::of(cookie) };
    assemble(tags, paths, components)
}

fn assemble(
    tags: Vec<Tag>,
    paths: Ordered<Ordered<Operation>>,
    components: Components,
) -> Document {
    let info = Info {
        title: "Mainstay",
        version: env!("CARGO_PKG_VERSION"),
        description: DESCRIPTION,
        license: License { name: "MIT OR Apache-2.0", identifier: "MIT OR Apache-2.0" },
    };
    let servers = [Server { url: "/", description: "Where this document comes from" }];
    Document { openapi: "3.1.1", info, servers, tags, paths, components }
}

// === impl Components ===

impl Components {
    /// Everything but the schemas of messages.
    fn of(cookie: &str) -> Self {
        let session = json!({
            "type": "apiKey", "in": "cookie", "name": cookie,
            "description": "Set by signing in, and renewed by itself. Scripts cannot read it; browsers send it.",
        });
        let bearer = json!({
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "The access token that signing in over gRPC returns.",
        });
        let schemes = [("session".to_owned(), session), ("bearer".to_owned(), bearer)];
        Self {
            schemas: errors::schemas().into(),
            responses: errors::components(),
            headers: headers::components(),
            security_schemes: schemes.into_iter().collect(),
        }
    }
}

/// Puts the operation of a route where its path is.
///
/// Paths that differ in the names of their variables alone are one path, with
/// the names that came first.
fn place(
    route: &Route,
    id: String,
    paths: &mut Ordered<Ordered<Operation>>,
    messages: &mut Messages<'_>,
) {
    let (mut path, mut names) = written(route);
    let same = paths.0.iter().find(|(known, _)| shape(known) == shape(&path));
    if let Some((known, _)) = same {
        path.clone_from(known);
        names = variables(known);
    }
    let operation = operation::operation(route, id, &names, messages);
    let method = key(route);
    match paths.0.iter_mut().find(|(known, _)| *known == path) {
        Some((_, operations)) => operations.add(method, operation),
        None => paths.add(path, Ordered(vec![(method, operation)])),
    }
}

/// `get`; a method that OpenAPI does not know becomes an extension.
fn key(route: &Route) -> String {
    let method = route.method.as_str().to_ascii_lowercase();
    let is_known = ["get", "put", "post", "delete", "patch"].contains(&method.as_str());
    if is_known { method } else { format!("x-{method}") }
}

/// The path of a route as OpenAPI writes it, and the names of its variables.
fn written(route: &Route) -> (String, Vec<String>) {
    let (mut path, mut names) = (String::new(), Vec::new());
    for part in route.parts() {
        path.push('/');
        match part {
            Part::Literal(text) => path.push_str(text),
            Part::Variable { field, is_whole, .. } => {
                let name = field.map_or("segment", |field| field.name());
                let many = if is_whole { String::new() } else { format!("_{}", names.len() + 1) };
                let name = format!("{name}{many}");
                path.extend(["{", &name, "}"]);
                names.push(name);
            }
        }
    }
    if let Some(verb) = route.verb() {
        path.push(':');
        path.push_str(verb);
    }
    let path = if path.is_empty() { "/".to_owned() } else { path };
    (path, names)
}

/// A path without the names of its variables.
fn shape(path: &str) -> Vec<&str> {
    path.split(['{', '}'])
        .enumerate()
        .map(|(at, text)| if at % 2 == 0 { text } else { "" })
        .collect()
}

fn variables(path: &str) -> Vec<String> {
    path.split(['{', '}']).skip(1).step_by(2).map(str::to_owned).collect()
}

/// Tells where to go with the id of what an operation has created.
fn link(table: &Table, ids: &[String], paths: &mut Ordered<Ordered<Operation>>) {
    for (creation, id) in table.routes().zip(ids) {
        let shown = table.routes().zip(ids);
        let shown = shown.filter(|(route, _)| route.shows_what_is_created_by(creation));
        let links: Ordered<_> = shown.filter_map(|(_, id)| link_to(id, paths)).collect();
        let operations = paths.0.iter_mut().flat_map(|(_, operations)| &mut operations.0);
        let mut operations = operations.map(|(_, operation)| operation);
        let Some(operation) = operations.find(|it| it.operation_id == *id) else { continue };
        if let Some((_, Or::Here(response))) = operation.responses.0.first_mut() {
            response.links = links;
        }
    }
}

fn link_to(id: &str, paths: &Ordered<Ordered<Operation>>) -> Option<(String, Link)> {
    let mut paths = paths.0.iter();
    let (path, _) = paths.find(|(_, all)| all.0.iter().any(|(_, it)| it.operation_id == id))?;
    let parameters = replies::id_parameter(variables(path).last()?);
    Some((id.to_owned(), Link { operation_id: id.to_owned(), parameters }))
}

#[cfg(test)]
mod tests;
