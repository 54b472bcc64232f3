//! The codec against `prost-reflect`, which does the same with trees: over every
//! message of the contract, and one that holds every kind of field there is.

pub(crate) mod choices;
mod differences;
mod every_kind;
mod generate;
mod json;
mod odd;
mod wire;

/// Cases of a normal run, for each of the properties.
const CASES: u32 = 5_000;
/// Cases of `cargo test -p gateway --release -- --ignored`.
const NIGHTLY: u32 = 300_000;
