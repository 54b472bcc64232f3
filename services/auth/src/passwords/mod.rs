//! Passwords: hashed and verified, never too many at once.

mod hashing;
mod queue;

pub(crate) use self::queue::{Passwords, Verdict};
