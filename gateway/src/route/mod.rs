//! The REST routes of the contract, read from its descriptors and checked at
//! start: what is wrong with them keeps the process from starting.

mod bindings;
mod field;
mod header;
mod location;
mod outline;
mod parse;
mod places;
mod rpc;
mod shape;
mod table;
mod template;
mod trie;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::Method;
use prost_reflect::FieldDescriptor;

pub(crate) use self::{
    field::{FieldPath, either_name},
    header::HeaderField,
    outline::Part,
    places::below,
    rpc::{CredentialField, CredentialKind, Rpc},
    shape::{Answers, File, Sends},
    table::{Found, Table},
};
use self::{location::Location, template::Template};
use crate::transcode::Lane;

/// One route: an HTTP method and a path that lead to a method of a service.
#[derive(Debug)]
pub(crate) struct Route {
    /// The HTTP method.
    pub(crate) method: Method,
    /// The path template, as the contract has it.
    pub(crate) template: Arc<str>,
    /// What is called.
    pub(crate) rpc: Arc<Rpc>,
    /// What the body of a request fills.
    pub(crate) body: Body,
    /// The field of the reply that is the body of the answer; all of it if none.
    pub(crate) response_field: Option<FieldDescriptor>,
    /// With PATCH: the field that takes the names of the body's keys.
    pub(crate) update_mask: Option<FieldDescriptor>,
    /// The direct way between JSON and its messages.
    pub(crate) lane: Option<Lane>,
    /// Whether this is the method itself, for browsers that speak gRPC.
    pub(crate) is_rpc: bool,
    location: Option<Location>,
    variables: Vec<FieldPath>,
    path: Template,
}

/// What the body of a request fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// Nothing.
    Nothing,
    /// The whole message.
    Whole,
    /// One field.
    Field(FieldDescriptor),
}

// === impl Route ===

impl Route {
    /// The fields that a path fills, and their values.
    pub(crate) fn variables(&self, path: &[String]) -> Vec<(&FieldPath, String)> {
        let values = self.path.capture(path).into_iter().map(|(_, value)| value);
        self.variables.iter().zip(values).collect()
    }

    /// Whether a client may not give a field in the body or the query: because the
    /// path fills it, or the gateway does.
    pub(crate) fn is_hidden(&self, field: &str) -> bool {
        self.hidden().any(|hidden| {
            let rest = field.strip_prefix(hidden);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// The fields that a client may give neither in the body nor in the query.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = &str> {
        let mask = self.update_mask.iter().map(FieldDescriptor::name);
        let variables = self.variables.iter().map(FieldPath::name);
        let taken = self.rpc.takes.iter().map(|credential| credential.field.name());
        // Who speaks gRPC gives in the message what others give in headers.
        let headers = self.rpc.headers.iter().filter(|_| !self.is_rpc);
        let headers = headers.map(|header| header.field.name());
        mask.chain(variables).chain(taken).chain(headers)
    }

    /// Whether the path fills another member of the `oneof` that a field is in.
    pub(crate) fn fills_rival(&self, field: &FieldDescriptor, path: &str) -> bool {
        self.variables.iter().any(|variable| variable.is_rival_of(field, path))
    }
}
