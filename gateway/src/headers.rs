//! Fields of a request that HTTP headers fill.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName};

use crate::{download, route::Rpc, wire};

/// Longer than any condition or id that a client was given.
const LONGEST: usize = 4 * 1024;

/// Appends what headers say to a message.
pub(crate) fn fill(rpc: &Rpc, headers: &HeaderMap, message: Bytes) -> Bytes {
    let usable = rpc.headers.iter().filter(|filled| download::is_usable(&filled.header, headers));
    let filled =
        usable.filter_map(|filled| Some((filled.field.number(), text(headers, &filled.header)?)));
    let mut filled = filled.peekable();
    if filled.peek().is_none() {
        return message;
    }
    let mut longer = BytesMut::from(message);
    for (number, value) in filled {
        wire::append(&mut longer, number, value.as_bytes());
    }
    longer.freeze()
}

/// A header that is there once.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    // The id of an event is UTF-8, which is not visible ASCII.
    str::from_utf8(only.as_bytes()).ok().filter(|value| value.len() <= LONGEST)
}
