//! What holds when things break: one file per promise.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, which Clippy does not take for tests"
)]

mod again;
mod ledger;
mod overload;
mod refreshing;
mod retries;
mod revocation;
mod slow_clients;
mod stuck_database;
