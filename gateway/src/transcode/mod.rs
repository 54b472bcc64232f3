//! Between what REST clients send and read, and protobuf.
//!
//! Nothing outside of this folder knows how it is done. It is done with message
//! trees for now; plans that go from bytes to bytes can replace `dynamic`, which
//! then is what they are checked against.

mod dynamic;
mod json;

use bytes::Bytes;
use tonic::Status;

use crate::{
    problem::{Faults, Problem},
    route::{CredentialKind, Found, Route},
};

/// What a client sent, apart from the path.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    /// The query, without its question mark.
    pub(crate) query: Option<&'a str>,
    /// The body; none and `{}` are the same.
    pub(crate) body: &'a [u8],
    /// The secrets in the client's cookies.
    pub(crate) credential: &'a dyn Fn(CredentialKind) -> Option<&'a str>,
}

/// A service's reply, for a REST client.
#[derive(PartialEq, Eq)]
pub(crate) struct Reply {
    /// The body.
    pub(crate) json: Vec<u8>,
    /// The secrets that were in it.
    pub(crate) credentials: Vec<Issued>,
    /// The id of what it shows.
    pub(crate) id: Option<String>,
}

/// A secret that a service issued; an empty one takes the secret back.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Issued {
    pub(crate) kind: CredentialKind,
    pub(crate) value: String,
    /// Seconds since 1970.
    pub(crate) expires_at: Option<i64>,
}

/// Makes the message that a request stands for, or tells everything that is
/// wrong with the request. The path overrides the body, and that the query.
pub(crate) fn request(found: &Found<'_>, given: Given<'_>) -> Result<Bytes, Box<Problem>> {
    let mut faults = Faults::default();
    let body = json::object(given.body)?;
    let message = dynamic::message(found, &body, given, &mut faults);
    faults.into_result().map(|()| message)
}

/// Makes the body that a reply stands for, and takes the secrets out of it.
pub(crate) fn reply(route: &Route, message: Bytes) -> Result<Reply, Status> {
    dynamic::reply(route, message).map_err(|error| platform::status::internal(&error))
}
