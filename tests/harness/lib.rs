//! A running product, people who use it, and tools to look at it from outside.
//!
//! `Stack::start()` gives a test its own processes on its own databases;
//! `Person` uses them over REST and over gRPC. What goes wrong here panics: a
//! test that cannot be set up has failed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a harness of tests, which fail by panicking"
)]

pub mod authenticator;
pub mod contract;
mod database;
mod dynamic;
mod grpc;
mod letters;
pub mod load;
mod mail;
mod metrics;
pub mod pebble;
mod person;
pub mod processor;
pub mod program;
pub mod raw;
mod rest;
mod service;
mod stack;
pub mod timing;
pub mod tls;
mod tokens;
mod wait;

pub use self::{
    database::{Database, Databases, write_durably},
    dynamic::call,
    grpc::{Authorized, Bearer, Grpc, channel, reason, refused},
    letters::Letter,
    mail::SmtpServer,
    metrics::{Metrics, metrics},
    person::{PASSWORD, Person},
    rest::{Answer, Call, Lost, Rest},
    service::Service,
    stack::{Builder, ISSUER, Stack},
    tokens::Forge,
    wait::{eventually, within},
};
