//! Inputs, by what is wrong with them.

mod bodies;
mod heads;
mod messages;
mod streams;
mod targets;

use crate::random::Random;

pub(crate) use self::{
    bodies::bodies,
    heads::{heads, smuggled, values},
    messages::messages,
    streams::streams,
    targets::{queries, targets},
};

/// A way to make inputs.
pub(crate) type Corpus = fn(&mut Random) -> Vec<u8>;
