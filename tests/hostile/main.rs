//! What clients send who mean harm, or who are broken: thousands of inputs over
//! the wire, floods, and guests who do not leave.
//!
//! Everything is made by code from a seed, so that a failure can be had again.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests, which Clippy does not take for tests"
)]

mod corpus;
mod drain;
mod floods;
mod frames;
mod harm;
mod inputs;
mod random;
mod wire;
