//! The one file in a form (RFC 7578).

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use multer::Multipart;

use super::{refused::Refused, sink::Sink, source::Source};

/// What a form may have before its file, or behind it, and at once.
const UNREAD: usize = 1024 * 1024;
const NO_TYPE: &str = "application/octet-stream";

/// A body that is given away frame by frame: the parser would otherwise take
/// all that there is and keep it.
struct Paced<S> {
    frames: Pin<Box<S>>,
    has_given: bool,
    unread: Arc<AtomicUsize>,
}

/// Sends the file in a form.
pub(super) async fn pump(
    boundary: &str,
    source: &mut Source<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), Refused> {
    let unread = Arc::new(AtomicUsize::new(0));
    let frames =
        stream::unfold(source, |source| async { Some((source.next().await.transpose()?, source)) });
    let frames = Paced { frames: Box::pin(frames), has_given: false, unread: Arc::clone(&unread) };
    let mut form = Multipart::new(frames, boundary);
    let part = form.next_field().await.map_err(refused)?;
    let mut part = part.ok_or(Refused::Form("has no part"))?;
    if part.file_name().is_none() {
        return Err(Refused::Form("has a part that is not a file"));
    }
    let media_type = part.content_type().map_or_else(|| NO_TYPE.to_owned(), ToString::to_string);
    while let Some(piece) = part.chunk().await.map_err(refused)? {
        unread.store(0, Ordering::Relaxed);
        sink.send(&media_type, &piece).await?;
    }
    drop(part);
    if form.next_field().await.map_err(refused)?.is_some() {
        return Err(Refused::Form("has a second part"));
    }
    sink.end(&media_type).await
}

/// The parser wraps what went wrong with the body; what is left is the form.
fn refused(error: multer::Error) -> Refused {
    match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<Refused>() {
            Ok(refused) => *refused,
            Err(_other) => Refused::Broken,
        },
        multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders
        | multer::Error::IncompleteStream => Refused::Broken,
        _ => Refused::Form("is malformed"),
    }
}

// === impl Paced ===

impl<S: Stream<Item = Result<Bytes, Refused>>> Stream for Paced<S> {
    type Item = Result<Bytes, Refused>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.has_given) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.frames.as_mut().poll_next(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.has_given = true;
            if self.unread.fetch_add(frame.len(), Ordering::Relaxed) > UNREAD {
                return Poll::Ready(Some(Err(Refused::Form("has too much that is not its file"))));
            }
        }
        polled
    }
}
