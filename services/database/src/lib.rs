//! `PostgreSQL`: the pool, transactions and migrations. No other crate knows
//! the driver's connections.

mod ear;
mod error;
mod lease;
mod listen;
mod migrate;
mod pool;
mod replies;
mod statement;
mod tls;
mod transaction;

pub use self::{
    ear::Ear,
    error::Error,
    listen::Listener,
    migrate::migrate,
    pool::{Pool, Url},
    replies::{Done, Once, Replies},
    statement::Statement,
    transaction::{Cause, Transaction},
};
