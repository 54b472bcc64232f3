//! The two ways to write an event.

use http::HeaderMap;

use crate::edge;

const EVENTS: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Server-sent events.
    Events,
    /// A line of JSON each.
    Lines,
}

// === impl Format ===

impl Format {
    /// What a client asks for; lines if it takes either.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        if edge::prefers(headers, EVENTS, LINES) {
            Some(Self::Events)
        } else if edge::takes(headers, LINES) {
            Some(Self::Lines)
        } else {
            None
        }
    }

    /// Its media type.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Events => EVENTS,
            Self::Lines => LINES,
        }
    }

    /// An event, which is one line of JSON and may have a name to come back with.
    pub(super) fn event(self, id: Option<&str>, json: &[u8]) -> Vec<u8> {
        match self {
            Self::Lines => {
                let mut line = json.to_vec();
                line.push(b'\n');
                line
            }
            Self::Events => {
                let mut event = Vec::with_capacity(json.len() + 64);
                // An id with a line end would be more than an id, one with NUL none.
                if let Some(id) = id.filter(|id| !id.contains(['\n', '\r', '\0'])) {
                    event.extend_from_slice(b"id: ");
                    event.extend_from_slice(id.as_bytes());
                    event.push(b'\n');
                }
                event.extend_from_slice(b"data: ");
                event.extend_from_slice(json);
                event.extend_from_slice(b"\n\n");
                event
            }
        }
    }

    /// The last event of a stream that broke.
    pub(super) fn problem(self, problem: &[u8]) -> Vec<u8> {
        match self {
            Self::Events => [b"event: problem\ndata: ", problem, b"\n\n"].concat(),
            Self::Lines => [b"{\"problem\":", problem, b"}\n"].concat(),
        }
    }

    /// The last event of a stream that is complete; a browser would otherwise come
    /// back for more.
    pub(super) fn end(self) -> Option<Vec<u8>> {
        match self {
            Self::Events => Some(b"event: end\ndata: {}\n\n".to_vec()),
            Self::Lines => None,
        }
    }

    /// Asks a browser to come back, after a while. Lines have no such thing.
    pub(super) fn retry(self, milliseconds: u64) -> Option<Vec<u8>> {
        match self {
            Self::Events => Some(format!("retry: {milliseconds}\n\n").into_bytes()),
            Self::Lines => None,
        }
    }

    /// Says that the stream is still there. Not every reader of lines takes an
    /// empty one.
    pub(super) fn heartbeat(self) -> Option<&'static [u8]> {
        match self {
            Self::Events => Some(b":\n\n"),
            Self::Lines => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn clients_get_the_format_that_they_ask_for() {
        for (accept, expected) in [
            (None, Some(Format::Lines)),
            (Some("*/*"), Some(Format::Lines)),
            (Some("text/event-stream"), Some(Format::Events)),
            (Some("text/event-stream, */*;q=0.1"), Some(Format::Events)),
            (Some("text/event-stream, application/x-ndjson"), Some(Format::Lines)),
            (Some("application/x-ndjson"), Some(Format::Lines)),
            (Some("text/*"), Some(Format::Events)),
            (Some("application/json"), None),
            (Some("text/html"), None),
        ] {
            let headers = accept.map(|accept| (header::ACCEPT, accept.parse().unwrap()));
            let headers: HeaderMap = headers.into_iter().collect();
            assert_eq!(Format::of(&headers), expected, "{accept:?}");
        }
    }

    #[test]
    fn an_id_cannot_be_more_than_an_id() {
        let event = |id| Format::Events.event(id, b"{}");
        assert_eq!(event(Some("7")), b"id: 7\ndata: {}\n\n");
        for id in [None, Some("7\ndata: x"), Some("7\r"), Some("\0")] {
            assert_eq!(event(id), b"data: {}\n\n");
        }
    }
}
