//! Passwords: what they may be, hashed and verified, never too many at once.

mod common;
mod hashing;
mod queue;
mod rules;
mod workers;

pub(crate) use self::{
    queue::{Passwords, Verdict},
    rules::OwnWords,
};
