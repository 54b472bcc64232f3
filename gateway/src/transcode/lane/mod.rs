//! What the direct way has to know of a route, worked out at start.

mod query;
mod reply;
mod request;

use std::sync::Arc;

use super::codec::{Codec, Hidden, MessageId};
use crate::route::{Body, Route};

/// The direct way of a route's requests and replies.
#[derive(Debug)]
pub(crate) struct Lane {
    codec: Arc<Codec>,
    input: MessageId,
    output: MessageId,
    body: BodyLane,
    /// What neither the query nor the body may fill.
    hidden: Hidden,
    /// The fields of what is shown that say which thing it is, and which version.
    id: Option<u32>,
    etag: Option<u32>,
}

/// What a body fills.
#[derive(Debug)]
enum BodyLane {
    Nothing,
    Whole,
    /// A field with this number, which is such a message.
    Field(u32, MessageId),
}

// === impl Lane ===

impl Lane {
    /// Works out the way of a route; none if the codec does not know its messages.
    pub(crate) fn new(route: &Route, codec: &Arc<Codec>) -> Option<Self> {
        let method = &route.rpc.method;
        let input = codec.message(method.input().full_name())?;
        let output = method.output();
        let kind = route.response_field.as_ref().map(|field| (field.kind(), field.is_list()));
        let shown = match &kind {
            Some((kind, false)) => kind.as_message(),
            Some((_, true)) => None,
            None => Some(&output),
        };
        let text = |name: &str| {
            let field = shown?.get_field_by_name(name)?;
            let is_text = field.kind() == prost_reflect::Kind::String && !field.is_list();
            is_text.then(|| field.number())
        };
        let mut hidden = Hidden::default();
        for name in route.hidden() {
            // A credential has no name in JSON, and needs no hiding.
            if let Some(path) = codec.path(input, name) {
                hidden.hide(&path.numbers());
            }
        }
        Some(Self {
            input,
            output: codec.message(output.full_name())?,
            body: BodyLane::new(&route.body, codec)?,
            id: route.response_field.as_ref().and_then(|_| text("id")),
            etag: text("etag"),
            hidden,
            codec: Arc::clone(codec),
        })
    }

    /// What turns the messages of the route.
    pub(crate) fn codec(&self) -> &Codec {
        &self.codec
    }
}

// === impl BodyLane ===

impl BodyLane {
    fn new(body: &Body, codec: &Codec) -> Option<Self> {
        Some(match body {
            Body::Nothing => Self::Nothing,
            Body::Whole => Self::Whole,
            Body::Field(field) => {
                let message = field.kind().as_message()?.full_name().to_owned();
                Self::Field(field.number(), codec.message(&message)?)
            }
        })
    }
}
