//! The product from outside: one file per resource, then what holds for all.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, which Clippy does not take for tests"
)]

mod access;
mod administration;
mod audit;
mod bad_input;
mod browser_rpc;
mod caching;
mod compression;
mod cors;
mod dev;
mod devices;
mod emails;
mod enumeration;
mod etag;
mod factors;
mod gateway;
mod guessing;
mod hardening;
mod idempotency;
mod identities;
mod key_turns;
mod keys;
mod lifecycle;
mod limits;
mod logs;
mod machines;
mod mail;
mod master_key;
mod operations;
mod pages;
mod passwords;
mod posts;
mod privacy;
mod proofs;
mod refresh;
mod sessions;
mod sign_up;
mod statements;
mod streams;
mod takeovers;
mod timing;
mod tls;
mod tokens;
mod traces;
mod trust;
mod users;
