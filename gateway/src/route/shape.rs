//! What goes to a method and what comes back: messages or files, one or many.

use http::Method;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use super::{Body, header};

const FILE: &str = "google.api.HttpBody";

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sends {
    /// A message, as JSON.
    Message,
    /// A file of any media type.
    File(File),
}

/// How a file is sent to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// The field that it is in, beside parameters; none if it is the message.
    pub(crate) field: Option<FieldDescriptor>,
    /// Whether it is sent piece by piece.
    pub(crate) is_stream: bool,
}

/// What a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// A message, as JSON.
    Message,
    /// One message after another.
    Events {
        /// The field that names an event, for whoever comes back.
        id: Option<FieldDescriptor>,
    },
    /// A file of any media type.
    File {
        /// Whether it comes piece by piece.
        is_stream: bool,
    },
}

/// What a method takes, or why no client could send it.
pub(super) fn sends(method: &MethodDescriptor) -> Result<Sends, &'static str> {
    let (input, is_stream) = (method.input(), method.is_client_streaming());
    if is_stream && method.is_server_streaming() {
        return Err("streams both ways, which no client of the gateway can");
    }
    if is_file(&input) {
        return Ok(Sends::File(File { field: None, is_stream }));
    }
    let mut files = input.fields().filter(is_file_field);
    match (files.next(), files.next()) {
        (Some(field), None) => Ok(Sends::File(File { field: Some(field), is_stream })),
        (None, _) if !is_stream => Ok(Sends::Message),
        (None, _) => Err("takes a stream of messages without a google.api.HttpBody in them"),
        (Some(_), Some(_)) => Err("takes two google.api.HttpBody, and a request has one body"),
    }
}

/// What a method gives.
pub(super) fn answers(method: &MethodDescriptor) -> Result<Answers, &'static str> {
    let (output, is_stream) = (method.output(), method.is_server_streaming());
    if is_file(&output) && method.is_client_streaming() {
        return Err("takes a stream and gives a file, which is one thing too many");
    }
    if is_file(&output) {
        return Ok(Answers::File { is_stream });
    }
    if !is_stream {
        return Ok(Answers::Message);
    }
    let mut ids = output.fields().filter(|field| header::name(field) == header::LAST_EVENT_ID);
    let id = ids.next();
    match id.as_ref().map(FieldDescriptor::kind) {
        _ if ids.next().is_some() => Err("has two fields that name an event"),
        Some(Kind::String) | None => Ok(Answers::Events { id }),
        Some(_) => Err("names events by a field that is not a string"),
    }
}

/// Checks that a route's body is the file that its method takes.
pub(super) fn check(sends: &Sends, method: &Method, body: &Body) -> Result<(), &'static str> {
    let Sends::File(file) = sends else { return Ok(()) };
    let is_carried = match (&file.field, body) {
        (None, Body::Whole) => true,
        (Some(field), Body::Field(body)) => field == body,
        (_, Body::Nothing) | (None, Body::Field(_)) | (Some(_), Body::Whole) => false,
    };
    if [Method::GET, Method::DELETE].contains(method) {
        Err("takes a file, which GET and DELETE do not send")
    } else if is_carried {
        Ok(())
    } else {
        Err("takes a file that is not the body")
    }
}

fn is_file(message: &MessageDescriptor) -> bool {
    message.full_name() == FILE
}

fn is_file_field(field: &FieldDescriptor) -> bool {
    field.kind().as_message().is_some_and(is_file) && !field.is_list() && !field.is_map()
}
