//! The product from outside: one file per resource, then what holds for all.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, which Clippy does not take for tests"
)]

mod access;
mod bad_input;
mod browser_rpc;
mod caching;
mod compression;
mod cors;
mod dev;
mod etag;
mod gateway;
mod hardening;
mod idempotency;
mod identities;
mod keys;
mod lifecycle;
mod limits;
mod logs;
mod operations;
mod pages;
mod posts;
mod refresh;
mod sessions;
mod streams;
mod timing;
mod tls;
mod tokens;
mod traces;
mod users;
