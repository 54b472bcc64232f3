//! The shape of the code base, checked like any other promise.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests, which Clippy does not take for tests"
)]

mod arrows;
mod asvs;
mod contract;
mod files;
mod layers;
mod source;
mod sql;
