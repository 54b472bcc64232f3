//! The REST routes of the contract, read from its descriptors and checked at
//! start: what is wrong with them keeps the process from starting.

mod bindings;
mod field;
mod header;
mod location;
mod parse;
mod places;
mod rpc;
mod shape;
mod table;
mod template;
mod trie;

use std::sync::Arc;

use http::Method;
use prost_reflect::FieldDescriptor;

pub(crate) use self::{
    field::{FieldPath, either_name},
    places::below,
    rpc::{CredentialField, CredentialKind, Rpc},
    shape::{Answers, File, Sends},
    table::{Found, Table},
};
use self::{location::Location, template::Template};

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
        let is_mask = self.update_mask.as_ref().is_some_and(|mask| mask.name() == field);
        is_mask
            || (!self.is_rpc && self.rpc.headers.iter().any(|it| it.field.name() == field))
            || self.variables.iter().any(|variable| variable.name() == field)
            || self.rpc.takes.iter().any(|credential| credential.field.name() == field)
    }
}
