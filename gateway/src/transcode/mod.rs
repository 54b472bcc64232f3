//! Between what REST clients send and read, and protobuf.
//!
//! Nothing outside of this folder knows how it is done: from bytes to bytes in one
//! pass (`lane`, `codec`), and with message trees (`dynamic`) where that pass is
//! not sure of itself, or to tell a client everything that is wrong.

pub mod codec;
mod dynamic;
mod json;
mod lane;

use bytes::Bytes;
use platform::status::Reason;
use tonic::Status;

pub(crate) use self::lane::Lane;
use self::{
    codec::{Codec, Stop},
    dynamic::Unreadable,
};
use crate::{
    problem::{Fault, Faults, Place, Problem},
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
    pub(crate) json: Bytes,
    /// The secrets that were in it.
    pub(crate) credentials: Vec<Issued>,
    /// The id of what it shows.
    pub(crate) id: Option<String>,
    /// The version of what it shows.
    pub(crate) etag: Option<String>,
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
    let Some(lane) = &found.route.lane else { return Err(Problem::of(Reason::INTERNAL)) };
    match lane.request(found, given) {
        Ok(message) => Ok(message),
        Err(Stop::Unusual(unusual)) => {
            lane.codec().count("to_wire", unusual);
            with_tree(lane.codec(), found, given)
        }
        // The first fault ends the direct way; a tree tells all of them.
        Err(Stop::Malformed(why) | Stop::NoJson(why)) => {
            with_tree(lane.codec(), found, given)?;
            let place = Place::Pointer("#".to_owned());
            let detail = format!("cannot be read: {why}");
            Err(Problem::with_faults(vec![Fault::new(place, Fault::WRONG_TYPE, detail)]))
        }
    }
}

fn with_tree(codec: &Codec, found: &Found<'_>, given: Given<'_>) -> Result<Bytes, Box<Problem>> {
    let mut faults = Faults::default();
    let body = json::object(given.body)?;
    let message = dynamic::message(codec, found, &body, given, &mut faults);
    faults.into_result().map(|()| message)
}

/// Makes the body that a reply stands for, and takes the secrets out of it.
pub(crate) fn reply(route: &Route, message: Bytes) -> Result<Reply, Status> {
    let direct = route.lane.as_ref().map(|lane| (lane, lane.reply(route, &message)));
    let reply = match direct {
        Some((_, Ok(reply))) => Ok(reply),
        Some((_, Err(Stop::Malformed(why) | Stop::NoJson(why)))) => Err(Unreadable::Direct(why)),
        Some((lane, Err(Stop::Unusual(unusual)))) => {
            lane.codec().count("to_json", unusual);
            dynamic::reply(route, message)
        }
        None => dynamic::reply(route, message),
    };
    reply.map_err(|error| platform::status::internal(&error))
}

#[cfg(test)]
mod tests;
