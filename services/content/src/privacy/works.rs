//! Everything that an author wrote, a few posts at a time.

use std::{collections::VecDeque, pin::Pin};

use database::Pool;
use futures_util::{Stream, stream};
use jiff::Timestamp;
use platform::page::Key;
use proto::content::v1::ExportAuthorResponse;
use tonic::Status;
use uuid::Uuid;

use super::store;

/// At most so many posts are read ahead of whoever takes them: a long one has 256 KiB.
const AHEAD: i64 = 8;
/// Before everything that was ever written.
const BEGINNING: Key = Key { at: Timestamp::UNIX_EPOCH, id: Uuid::nil() };

/// What whoever asked is sent.
pub(super) type Everything =
    Pin<Box<dyn Stream<Item = Result<ExportAuthorResponse, Status>> + Send>>;

/// An author's posts on their way to whoever asked.
#[derive(Debug)]
pub(super) struct Works {
    pool: Pool,
    author_id: Uuid,
    /// The last post that was read.
    after: Key,
    is_all_read: bool,
    read: VecDeque<ExportAuthorResponse>,
}

// === impl Works ===

impl Works {
    /// Reads the first posts: what cannot be read at all is refused at once.
    pub(super) async fn open(pool: &Pool, author_id: Uuid) -> Result<Self, Status> {
        let mut works = Self {
            pool: pool.clone(),
            author_id,
            after: BEGINNING,
            is_all_read: false,
            read: VecDeque::new(),
        };
        works.look().await?;
        Ok(works)
    }

    pub(super) fn everything(self) -> Everything {
        Box::pin(stream::try_unfold(self, Self::next))
    }

    async fn next(mut self) -> Result<Option<(ExportAuthorResponse, Self)>, Status> {
        if self.read.is_empty() && !self.is_all_read {
            self.look().await?;
        }
        Ok(self.read.pop_front().map(|post| (post, self)))
    }

    async fn look(&mut self) -> Result<(), Status> {
        let found = store::list_posts(&self.pool, self.author_id, self.after, AHEAD).await?;
        self.is_all_read = i64::try_from(found.len()).is_ok_and(|count| count < AHEAD);
        self.after = found.last().map_or(self.after, |(key, _)| *key);
        self.read = found.into_iter().map(|(_, post)| post).collect();
        Ok(())
    }
}
