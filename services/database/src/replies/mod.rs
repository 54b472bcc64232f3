//! Requests that are done once, however often they are sent.
//!
//! What a request came to is stored in the transaction that does it: either both
//! are there or neither is. A request that comes again is told the same, and one
//! that comes while the first is still being done is asked to come later.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use platform::{
    idempotency::{IDEMPOTENT_REPLAYED, Marks, Repeatable, Seals},
    seal::MasterKey,
};
use prost::Message;
use tonic::{Response, metadata::MetadataValue};

use crate::{Cause, Error, Pool, Transaction};

/// For how long a request gets the same reply, unless it is one for a shorter time.
const A_DAY: Duration = Duration::from_hours(24);

/// The replies to requests that may come again.
#[derive(Clone, Debug)]
pub struct Replies {
    pool: Pool,
    seals: Arc<Seals>,
}

/// A request that is about to be done, once if it has an idempotency key.
#[derive(Debug)]
pub struct Once<'a> {
    replies: &'a Replies,
    request: Option<&'a Repeatable>,
    keep: Duration,
}

/// What a request came to, now or when it was sent before.
#[derive(Debug)]
pub struct Done<T> {
    value: T,
    is_replayed: bool,
}

/// A request with an idempotency key, as the database knows it.
struct Known<'a> {
    seals: &'a Seals,
    marks: Marks,
    /// As it would know it if it was sealed with a master key that was replaced.
    older: Vec<Marks>,
    keep: Duration,
}

// === impl Replies ===

impl Replies {
    /// Stores replies where a pool leads to, readable with the master key only.
    pub fn new(pool: &Pool, master: &MasterKey) -> Self {
        Self { pool: pool.clone(), seals: Arc::new(Seals::new(master)) }
    }

    /// Prepares to do a request; without an idempotency key it is as any other.
    pub fn once<'a>(&'a self, request: Option<&'a Repeatable>) -> Once<'a> {
        Once { replies: self, request, keep: A_DAY }
    }
}

// === impl Once ===

impl Once<'_> {
    /// Keeps the reply for less than a day.
    #[must_use]
    pub fn kept_for(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// Runs statements together or not at all, as [`Pool::transaction`] does, unless
    /// the request was done before. Only what succeeds is remembered.
    pub async fn transaction<G, T, E>(
        &self,
        given: G,
        work: impl for<'a> Fn(&'a Transaction<'a>, &'a G) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
    ) -> Result<Done<T>, E>
    where
        G: Send + Sync,
        T: Message + Default,
        E: From<Error> + Cause + Send,
    {
        let Replies { pool, seals } = self.replies;
        let Some(request) = self.request else {
            let value = pool.transaction(given, work).await?;
            return Ok(Done { value, is_replayed: false });
        };
        let known = Known {
            seals,
            marks: seals.marks(request),
            older: seals.older_marks(request),
            keep: self.keep,
        };
        pool.transaction((known, given, work), |transaction, (known, given, work)| {
            Box::pin(async move {
                if let Some(value) = known.find(transaction).await? {
                    return Ok(Done { value, is_replayed: true });
                }
                let value = work(transaction, given).await?;
                let Known { seals, marks, keep, .. } = known;
                let sealed = seals.seal(marks, &value.encode_to_vec());
                insert(transaction, marks, &sealed, *keep).await?;
                Ok(Done { value, is_replayed: false })
            })
        })
        .await
    }
}

// === impl Known ===

impl Known<'_> {
    /// The reply that a request was given before, if it was; nobody else finds or
    /// does the same request until the transaction ends.
    async fn find<T: Message + Default>(
        &self,
        transaction: &Transaction<'_>,
    ) -> Result<Option<T>, Error> {
        let row = transaction.row(include_str!("lock.sql"), &[&lock(&self.marks)]).await?;
        if !row.map_or(Ok(false), |row| row.try_get("is_ours"))? {
            return Err(Error::InFlight);
        }
        for marks in [&self.marks].into_iter().chain(&self.older) {
            if let Some(reply) = self.find_by(transaction, marks).await? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    async fn find_by<T: Message + Default>(
        &self,
        transaction: &Transaction<'_>,
        marks: &Marks,
    ) -> Result<Option<T>, Error> {
        // A statement of its own: it sees what was committed before the lock was free.
        let row = transaction.row(include_str!("find.sql"), &[&marks.id]).await?;
        let Some(row) = row else { return Ok(None) };
        let (request, sealed): (Vec<u8>, Vec<u8>) =
            (row.try_get("request")?, row.try_get("sealed")?);
        if request != marks.request {
            return Err(Error::KeyReused);
        }
        let reply = self.seals.open(marks, &sealed)?;
        Ok(Some(T::decode(reply.as_slice())?))
    }
}

/// Stores a reply. No row comes back if another is there that is still good.
async fn insert(
    transaction: &Transaction<'_>,
    marks: &Marks,
    sealed: &[u8],
    keep: Duration,
) -> Result<(), Error> {
    let Marks { id, request } = marks;
    let sql = include_str!("insert.sql");
    let row = transaction.row(sql, &[id, request, &sealed, &keep.as_secs_f64()]).await?;
    row.map(drop).ok_or(Error::InFlight)
}

/// Which of the database's advisory locks stands for a request.
fn lock(marks: &Marks) -> i64 {
    let bytes = marks.id.first_chunk().copied().unwrap_or_default();
    i64::from_be_bytes(bytes)
}

// === impl Done ===

impl<T> Done<T> {
    /// Whether it was done before, and not now.
    pub fn is_replayed(&self) -> bool {
        self.is_replayed
    }

    /// Makes the reply, which says so if it was given before.
    pub fn reply<R>(self, make: impl FnOnce(T) -> R) -> Response<R> {
        let mut response = Response::new(make(self.value));
        if self.is_replayed {
            let replayed = MetadataValue::from_static("true");
            response.metadata_mut().insert(IDEMPOTENT_REPLAYED, replayed);
        }
        response
    }
}
