//! Bodies: JSON, not too large, and there in time.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use platform::status::Reason;
use tokio::time::timeout;

use crate::problem::Problem;

const LARGEST: usize = 1024 * 1024;
const WITHIN: Duration = Duration::from_secs(30);

/// Reads a whole body. Where it is given up, the connection is too: the rest of
/// the body would otherwise be taken for the next request.
pub(crate) async fn read<B>(headers: &HeaderMap, body: B) -> Result<Bytes, Box<Problem>>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let give_up = |reason| Problem::of(reason).end_connection();
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length = length.and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > LARGEST) {
        return Err(give_up(Reason::PAYLOAD_TOO_LARGE));
    }
    // Boxed, because a body need not be `Unpin`; also keeps our future small.
    let collected = Box::pin(Limited::new(body, LARGEST).collect());
    match timeout(WITHIN, collected).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(give_up(Reason::PAYLOAD_TOO_LARGE)),
        Ok(Err(_broken)) => {
            Err(give_up(Reason::MALFORMED_REQUEST).detail("the body ended before it was complete"))
        }
        Err(_elapsed) => Err(give_up(Reason::REQUEST_TIMEOUT)),
    }
}

/// Refuses a body that does not say that it is JSON in UTF-8.
///
/// A form of another site can send other types without asking; not these.
pub(crate) fn check_media_type(method: &Method, headers: &HeaderMap) -> Result<(), Box<Problem>> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let first = types.next().and_then(|media_type| media_type.to_str().ok()).unwrap_or_default();
    let is_plain = !headers.contains_key(header::CONTENT_ENCODING);
    if is_plain && types.next().is_none() && is_json(method, first) {
        Ok(())
    } else {
        Err(Problem::of(Reason::UNSUPPORTED_MEDIA_TYPE))
    }
}

fn is_json(method: &Method, media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let is_known = match parts.next().as_deref() {
        Some("application/json") => true,
        Some("application/merge-patch+json") => method == Method::PATCH,
        _ => false,
    };
    is_known
        && parts.all(|parameter| match parameter.split_once('=') {
            Some(("charset", charset)) => charset.trim_matches('"') == "utf-8",
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use http_body_util::{Full, StreamBody};

    use super::*;

    #[test]
    fn bodies_are_json() {
        for (method, media_type, expected) in [
            (Method::POST, "application/json", true),
            (Method::POST, "Application/JSON; charset=UTF-8", true),
            (Method::POST, "application/json;charset=\"utf-8\"", true),
            (Method::POST, "application/json; charset=latin1", false),
            (Method::PATCH, "application/merge-patch+json", true),
            (Method::POST, "application/merge-patch+json", false),
            (Method::POST, "application/jsonp", false),
            (Method::POST, "text/plain", false),
            (Method::POST, "application/x-www-form-urlencoded", false),
            (Method::POST, "", false),
        ] {
            assert_eq!(is_json(&method, media_type), expected, "{method} {media_type}");
        }
    }

    #[tokio::test]
    async fn large_bodies_are_refused_before_and_while_they_are_read() {
        let mut headers = HeaderMap::new();
        let fits = Full::new(Bytes::from(vec![b' '; LARGEST]));
        assert_eq!(read(&headers, fits).await.unwrap().len(), LARGEST);
        let large = Full::new(Bytes::from(vec![b' '; LARGEST + 1]));
        assert_eq!(read(&headers, large).await.unwrap_err().status.as_u16(), 413);
        headers.insert(header::CONTENT_LENGTH, (LARGEST + 1).into());
        let empty = Full::new(Bytes::new());
        assert_eq!(read(&headers, empty).await.unwrap_err().status.as_u16(), 413);
    }

    #[tokio::test]
    async fn slow_and_broken_bodies_are_given_up() {
        tokio::time::pause();
        let silent = StreamBody::new(futures_util::stream::pending::<Result<_, std::io::Error>>());
        let silent = silent_body(silent);
        assert_eq!(read(&HeaderMap::new(), silent).await.unwrap_err().status.as_u16(), 408);
        let broken = futures_util::stream::iter([Err(std::io::Error::other("reset"))]);
        let broken = silent_body(StreamBody::new(broken));
        assert_eq!(read(&HeaderMap::new(), broken).await.unwrap_err().status.as_u16(), 400);
    }

    fn silent_body<S>(body: StreamBody<S>) -> impl Body<Data = Bytes, Error = std::io::Error>
    where
        S: futures_util::Stream<Item = Result<http_body::Frame<Bytes>, std::io::Error>>,
    {
        body
    }
}
