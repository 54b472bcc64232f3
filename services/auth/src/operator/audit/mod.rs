//! What an operator does with the audit log: check it, witness it, and drop what is
//! old.

mod prune;
mod verify;

use database::Pool;

pub use self::{
    prune::{Pruned, prune},
    verify::{Broken, Error, Findings, Trusted, verify},
};
pub use crate::audit::{Checkpoint, PURPOSE};

/// Any number; nothing is dropped while somebody verifies.
const LOCK: i64 = 0x70_7275_6e65;

/// The checkpoint made last, for a witness elsewhere.
pub async fn last_checkpoint(pool: &Pool) -> Result<Option<Checkpoint>, database::Error> {
    pool.transaction((), |transaction, ()| Box::pin(crate::audit::last_checkpoint(transaction)))
        .await
}
