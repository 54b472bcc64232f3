//! Passwords: what they may be, and what is kept of them.

mod hashing;
mod rules;

pub(crate) use self::{
    hashing::{Passwords, Verdict},
    rules::OwnWords,
};
