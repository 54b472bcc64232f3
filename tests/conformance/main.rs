//! JSON and messages against others' idea of them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, which Clippy does not take for tests"
)]

mod cost;
mod official;
mod runner;
