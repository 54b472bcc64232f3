//! What a route answers when nothing is wrong.

use std::collections::BTreeMap;

use prost_reflect::Kind;

use super::{
    examples, headers,
    messages::Messages,
    model::{Media, Or, Ordered, Response},
    schema::Schema,
};
use crate::route::Route;

const BODY: &str = "google.api.HttpBody";

/// The answers of success, by status.
pub(super) fn responses(route: &Route, messages: &mut Messages<'_>) -> Ordered<Or<Response>> {
    let mut responses = Ordered::default();
    let status = status(route);
    let description = messages.comments.of_message(&route.rpc.method.output()).to_owned();
    let response = Response {
        description: if description.is_empty() { "Done.".to_owned() } else { description },
        headers: headers::named(&header_names(route)),
        content: content(route, messages),
        links: Ordered::default(),
    };
    responses.add(status, Or::Here(Box::new(response)));
    if headers::takes(route, "Range") {
        responses.add("206", Or::Here(Box::new(part(route, messages))));
    }
    if headers::has_condition(route) {
        responses.add("304", Or::Here(Box::new(unchanged())));
    }
    responses
}

fn status(route: &Route) -> &'static str {
    if route.rpc.is_silent() {
        "204"
    } else if route.is_creation() {
        "201"
    } else {
        "200"
    }
}

fn header_names(route: &Route) -> Vec<&'static str> {
    let mut names = vec!["X-Request-Id", "RateLimit", "RateLimit-Policy"];
    if route.has_location() {
        names.push("Location");
    }
    if headers::has_condition(route) || (shows_resource(route) && !route.rpc.is_silent()) {
        names.push("ETag");
    }
    if route.rpc.method.output().get_field_by_name("next_page_token").is_some() {
        names.push("Link");
    }
    if headers::takes_idempotency_key(route) {
        names.push("Idempotent-Replayed");
    }
    if headers::takes(route, "Range") {
        names.push("Accept-Ranges");
    }
    names
}

fn shows_resource(route: &Route) -> bool {
    let kind = route.response_field.as_ref().map(prost_reflect::FieldDescriptor::kind);
    matches!(kind, Some(Kind::Message(message)) if message.get_field_by_name("etag").is_some())
}

fn content(route: &Route, messages: &mut Messages<'_>) -> Ordered<Media> {
    let method = &route.rpc.method;
    if route.rpc.is_silent() {
        return Ordered::default();
    }
    if method.output().full_name() == BODY {
        return only("*/*", Media::of(Schema::formatted("binary")));
    }
    let schema = match &route.response_field {
        Some(field) => messages.reply_field(field),
        None => messages.reply(&method.output()),
    };
    let example = examples::value(&schema, &messages.made);
    if !method.is_server_streaming() {
        return only("application/json", Media { schema, example, item_schema: None });
    }
    let stream = |media_type: &str, words: &str| {
        let text = Schema::text().explained(words);
        let media = Media { item_schema: Some(schema.clone()), ..Media::of(text) };
        (media_type.to_owned(), media)
    };
    [
        stream(
            "application/x-ndjson",
            "One message on each line, for as long as the stream goes on.",
        ),
        stream(
            "text/event-stream",
            "One message in the `data` of each event; `Last-Event-ID` goes on behind one.",
        ),
    ]
    .into_iter()
    .collect()
}

fn part(route: &Route, messages: &mut Messages<'_>) -> Response {
    let mut names = header_names(route);
    names.push("Content-Range");
    Response {
        description: "The part that was asked for.".to_owned(),
        headers: headers::named(&names),
        content: content(route, messages),
        links: Ordered::default(),
    }
}

fn unchanged() -> Response {
    Response {
        description: "Nothing has changed since the version that If-None-Match names.".to_owned(),
        headers: headers::named(&["X-Request-Id", "RateLimit", "RateLimit-Policy", "ETag"]),
        content: Ordered::default(),
        links: Ordered::default(),
    }
}

fn only(media_type: &str, media: Media) -> Ordered<Media> {
    [(media_type.to_owned(), media)].into_iter().collect()
}

/// Where the id in an answer leads to.
pub(super) fn id_parameter(name: &str) -> BTreeMap<String, String> {
    [(name.to_owned(), "$response.body#/id".to_owned())].into()
}
