//! A file as it arrives: not too large, not too slow, and within a quota.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};

use super::{quota::Account, refused::Refused};
use crate::body::Incoming;

/// How long a client may be silent.
const SILENT: Duration = Duration::from_secs(30);
/// The least that a client sends, as long as we wait for it.
const BYTES_PER_SECOND: u64 = 4 * 1024;

/// What a client sends.
#[derive(Debug)]
pub(super) struct Source<'a> {
    body: &'a mut Incoming,
    limit: u64,
    received: u64,
    waited: Duration,
    account: &'a Account,
}

// === impl Source ===

impl<'a> Source<'a> {
    pub(super) fn new(body: &'a mut Incoming, limit: u64, account: &'a Account) -> Self {
        Self { body, limit, received: 0, waited: Duration::ZERO, account }
    }

    /// The next bytes; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Refused> {
        loop {
            let began = Instant::now();
            let frame = timeout(self.patience(), self.body.frame()).await;
            self.waited += began.elapsed();
            let Some(frame) = frame.map_err(|_elapsed| Refused::TooSlow)? else {
                // Not every body can be asked again.
                *self.body = Incoming::default();
                return Ok(None);
            };
            let Ok(bytes) = frame.map_err(|_broken| Refused::Broken)?.into_data() else { continue };
            if bytes.is_empty() {
                continue;
            }
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.received = self.received.saturating_add(length);
            if self.received > self.limit {
                return Err(Refused::TooLarge(self.limit));
            }
            self.account.charge(length)?;
            return Ok(Some(bytes));
        }
    }

    /// How long to wait now. Time that the service takes is not the client's.
    fn patience(&self) -> Duration {
        let earned = Duration::from_secs(self.received / BYTES_PER_SECOND);
        (SILENT + earned).saturating_sub(self.waited).min(SILENT)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;
    use crate::{holder::Holder, upload::Quota};

    /// A client that sends so many bytes every so many seconds.
    fn body(bytes: usize, every: u64) -> Incoming {
        let frames = stream::unfold((), move |()| async move {
            tokio::time::sleep(Duration::from_secs(every)).await;
            Some((Ok(Frame::data(Bytes::from(vec![0; bytes]))), ()))
        });
        StreamBody::new(frames).boxed_unsync()
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_slow_is_left_and_whoever_is_steady_is_not() {
        let account = Quota::default().account(Holder::Address(None));
        for (bytes, every, is_steady) in [
            (4_096, 1, true),
            (81_920, 20, true),
            (2_048, 1, false),
            (1, 20, false),
            (1 << 20, 31, false),
        ] {
            let mut body = body(bytes, every);
            let mut source = Source::new(&mut body, u64::MAX, &account);
            let mut all = Ok(None);
            for _ in 0..120 {
                all = source.next().await;
                if all.is_err() {
                    break;
                }
            }
            assert_eq!(all.is_ok(), is_steady, "{bytes} bytes every {every} s: {all:?}");
        }
    }
}
