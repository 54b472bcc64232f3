//! Bodies: JSON, not too large, and there in time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, header};
use http_body::Body;
use http_body_util::BodyExt;
use platform::{server::TooSlow, status::Reason};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::{
    body::{Broken, Incoming},
    problem::Problem,
};

const LARGEST: usize = 1024 * 1024;
const WITHIN: Duration = Duration::from_secs(30);
/// What all bodies together may hold.
const ALL_KIB: usize = 256 * 1024;
/// What is read of a body that nobody wants.
const DRAINED: usize = 4 * 1024 * 1024;
const DRAINED_WITHIN: Duration = Duration::from_secs(1);

/// Room for the bodies of all requests.
#[derive(Debug)]
pub(crate) struct Room(Semaphore);

/// A whole body, which takes its room for as long as it is there.
#[derive(Debug)]
pub(crate) struct Whole<'a> {
    pub(crate) bytes: Bytes,
    _taken: Option<SemaphorePermit<'a>>,
}

// === impl Room ===

impl Room {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(ALL_KIB))
    }

    fn take(&self, kib: usize) -> Result<SemaphorePermit<'_>, Box<Problem>> {
        let kib = u32::try_from(kib).unwrap_or(u32::MAX);
        self.0.try_acquire_many(kib).map_err(|_full| give_up(Reason::TOO_BUSY))
    }
}

/// Reads a whole body. Where it is given up, the connection is too: the rest of
/// the body would otherwise be taken for the next request.
pub(crate) async fn read<'a>(
    headers: &HeaderMap,
    body: &mut Incoming,
    room: &'a Room,
) -> Result<Whole<'a>, Box<Problem>> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length = length.and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > LARGEST) {
        return Err(give_up(Reason::PAYLOAD_TOO_LARGE));
    }
    let collected = timeout(WITHIN, collect(body, room)).await;
    collected.unwrap_or_else(|_elapsed| Err(give_up(Reason::REQUEST_TIMEOUT)))
}

async fn collect<'a>(body: &mut Incoming, room: &'a Room) -> Result<Whole<'a>, Box<Problem>> {
    let mut bytes = BytesMut::new();
    let mut taken: Option<SemaphorePermit<'a>> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|broken| given_up(&broken))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > LARGEST {
            return Err(give_up(Reason::PAYLOAD_TOO_LARGE));
        }
        bytes.extend_from_slice(&data);
        // By what there is, not by how it came: a byte at a time takes no more room.
        let held = taken.as_ref().map_or(0, SemaphorePermit::num_permits);
        let more = room.take(bytes.len().div_ceil(1024).saturating_sub(held))?;
        match &mut taken {
            Some(taken) => taken.merge(more),
            None => taken = Some(more),
        }
    }
    Ok(Whole { bytes: bytes.freeze(), _taken: taken })
}

/// Reads some of what is left of a body, and throws it away: a client that
/// writes before it reads would otherwise find the connection closed, and the
/// answer lost. One that waits to be told to send is not told.
pub(crate) async fn drain(headers: &HeaderMap, body: &mut Incoming) {
    if body.is_end_stream() || headers.contains_key(header::EXPECT) {
        return;
    }
    let drained = timeout(DRAINED_WITHIN, async {
        let mut left = DRAINED;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    });
    if drained.await.is_err() {
        tracing::debug!("a body that nobody wants goes on and on");
    }
}

fn given_up(broken: &Broken) -> Box<Problem> {
    if broken.is::<TooSlow>() {
        return give_up(Reason::REQUEST_TIMEOUT);
    }
    give_up(Reason::MALFORMED_REQUEST)
        .detail("the body ended before it was complete, or its chunks are malformed")
}

fn give_up(reason: &'static Reason) -> Box<Problem> {
    Problem::of(reason).end_connection()
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
        let (mut headers, room) = (HeaderMap::new(), Room::new());
        let mut fits = spaces(LARGEST);
        assert_eq!(read(&headers, &mut fits, &room).await.unwrap().bytes.len(), LARGEST);
        let mut large = spaces(LARGEST + 1);
        assert_eq!(read(&headers, &mut large, &room).await.unwrap_err().status.as_u16(), 413);
        headers.insert(header::CONTENT_LENGTH, (LARGEST + 1).into());
        let mut empty = spaces(0);
        assert_eq!(read(&headers, &mut empty, &room).await.unwrap_err().status.as_u16(), 413);
    }

    #[tokio::test]
    async fn all_bodies_together_have_so_much_room() {
        let (headers, room) = (HeaderMap::new(), Room::new());
        let held = read(&headers, &mut spaces(2048), &room).await.unwrap();
        let rest = room.0.try_acquire_many(u32::try_from(ALL_KIB).unwrap() - 2).unwrap();
        let refused = read(&headers, &mut spaces(2048), &room).await.unwrap_err();
        assert_eq!(refused.status.as_u16(), 429);
        drop(held);
        read(&headers, &mut spaces(2048), &room).await.unwrap();
        drop(rest);
    }

    #[tokio::test]
    async fn a_byte_at_a_time_takes_no_more_room() {
        let frames = (0..5_000).map(|_| Ok(http_body::Frame::data(Bytes::from_static(b" "))));
        let mut drops = boxed(StreamBody::new(futures_util::stream::iter(frames)));
        let room = Room::new();
        let whole = read(&HeaderMap::new(), &mut drops, &room).await.unwrap();
        assert_eq!((whole.bytes.len(), room.0.available_permits()), (5_000, ALL_KIB - 5));
    }

    #[tokio::test]
    async fn what_nobody_wants_is_drained_and_not_for_ever() {
        tokio::time::pause();
        let headers = HeaderMap::new();
        let mut body = spaces(2 * LARGEST);
        drain(&headers, &mut body).await;
        assert!(body.is_end_stream());
        let endless = StreamBody::new(futures_util::stream::pending::<Result<_, std::io::Error>>());
        drain(&headers, &mut boxed(endless)).await;
    }

    #[tokio::test]
    async fn slow_and_broken_bodies_are_given_up() {
        tokio::time::pause();
        let silent = StreamBody::new(futures_util::stream::pending::<Result<_, std::io::Error>>());
        let (headers, room, mut silent) = (HeaderMap::new(), Room::new(), boxed(silent));
        assert_eq!(read(&headers, &mut silent, &room).await.unwrap_err().status.as_u16(), 408);
        let broken = futures_util::stream::iter([Err(std::io::Error::other("reset"))]);
        let mut broken = boxed(StreamBody::new(broken));
        assert_eq!(read(&headers, &mut broken, &room).await.unwrap_err().status.as_u16(), 400);
        let slow: Broken = TooSlow.into();
        assert_eq!(given_up(&slow).status.as_u16(), 408);
    }

    fn spaces(length: usize) -> Incoming {
        let body = Full::new(Bytes::from(vec![b' '; length]));
        body.map_err(|never| match never {}).boxed_unsync()
    }

    fn boxed<S>(body: StreamBody<S>) -> Incoming
    where
        S: futures_util::Stream<Item = Result<http_body::Frame<Bytes>, std::io::Error>>
            + Send
            + 'static,
    {
        body.map_err(Into::into).boxed_unsync()
    }
}
