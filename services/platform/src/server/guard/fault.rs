//! What can be wrong with a request head, and how the client hears of it.
//!
//! A head that is refused never reaches hyper: in its place hyper reads a short
//! request of ours which names the fault. So a refusal waits for its turn behind
//! the answers before it, and is logged, counted and worded like any other.
//! Whoever sends such a request themselves gets what it asks for: a refusal.

use http::{Method, Uri};

use crate::status::Reason;

const METHOD: &str = "REFUSED";

/// A request that was refused before it was read as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The entry of the catalogue.
    pub reason: &'static Reason,
    /// What is wrong, for the client.
    pub detail: &'static str,
}

macro_rules! faults {
    ($($name:ident $reason:ident $detail:literal)*) => {
        /// What is wrong with a head.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Fault { $($name),* }

        impl Fault {
            const ALL: &[Self] = &[$(Self::$name),*];

            fn refusal(self) -> Refusal {
                match self {
                    $(Self::$name => Refusal { reason: Reason::$reason, detail: $detail },)*
                }
            }
        }
    };
}

faults! {
    RequestLine MALFORMED_REQUEST "the first line is not `METHOD target HTTP/1.1`, with one space between each"
    Method MALFORMED_REQUEST "the method is not a token of at most 32 characters"
    Target MALFORMED_REQUEST "the target is neither a path nor a URL"
    Version MALFORMED_REQUEST "the version is neither HTTP/1.1 nor HTTP/1.0"
    LineEnd MALFORMED_REQUEST "lines of the head end with CR LF, and nothing else holds either"
    Control MALFORMED_REQUEST "a header has a control character"
    Fold MALFORMED_REQUEST "a header goes on in the next line, which HTTP no longer allows"
    Name MALFORMED_REQUEST "a header has no name, or one with a space or another character that names cannot have"
    Length MALFORMED_REQUEST "the Content-Length is not a number"
    TwoLengths MALFORMED_REQUEST "the request has two Content-Length headers"
    LengthAndCoding MALFORMED_REQUEST "the request has both a Content-Length and a Transfer-Encoding"
    Coding MALFORMED_REQUEST "the only Transfer-Encoding is chunked"
    OldCoding MALFORMED_REQUEST "only HTTP/1.1 has a Transfer-Encoding"
    NoHost MALFORMED_REQUEST "the request has no Host header"
    TwoHosts MALFORMED_REQUEST "the request has two Host headers"
    LongTarget URI_TOO_LONG "the path and the query are longer than 8 KiB; send less"
    LongHead HEADERS_TOO_LARGE "the headers are larger than 16 KiB; clear old cookies"
    ManyFields HEADERS_TOO_LARGE "the request has more than 64 headers; send fewer"
}

// === impl Fault ===

impl Fault {
    /// The request that stands in for the one that was refused.
    pub(super) fn request(self) -> String {
        let number = self as usize;
        format!("{METHOD} /{number} HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n")
    }
}

// === impl Refusal ===

impl Refusal {
    /// Recognises the request that stands in for a refused one.
    pub fn of(method: &Method, uri: &Uri) -> Option<Self> {
        if method.as_str() != METHOD {
            return None;
        }
        let number = uri.path().strip_prefix('/')?.parse::<usize>().ok();
        let fault = number.and_then(|number| Fault::ALL.get(number));
        Some(fault.copied().unwrap_or(Fault::RequestLine).refusal())
    }

    /// A status and a text, for ports that do not speak REST.
    pub(crate) fn as_text(self) -> (u16, String) {
        (self.reason.http, format!("{}: {}\n", self.reason.title, self.detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_recognised_in_the_request_that_stands_in_for_it() {
        for fault in Fault::ALL {
            let request = fault.request();
            let mut words = request.split(' ');
            let method: Method = words.next().unwrap().parse().unwrap();
            let uri: Uri = words.next().unwrap().parse().unwrap();
            assert_eq!(Refusal::of(&method, &uri), Some(fault.refusal()));
        }
        assert_eq!(Refusal::of(&Method::GET, &Uri::from_static("/1")), None);
        let made_up = Refusal::of(&METHOD.parse().unwrap(), &Uri::from_static("/x"));
        assert_eq!(made_up.unwrap().reason, Reason::MALFORMED_REQUEST);
    }
}
