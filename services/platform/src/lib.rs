//! What every process of the product needs, and no business of any of them.

pub mod access;
pub mod config;
pub mod etag;
mod fatal;
pub mod fingerprint;
pub mod idempotency;
pub mod identity;
pub mod limits;
pub mod mask;
pub mod page;
pub mod request_id;
pub mod rules;
pub mod seal;
pub mod server;
pub mod sign;
pub mod status;
pub mod telemetry;
pub mod time;
pub mod timing;
pub mod tls;
pub mod token;
pub mod trust;
pub mod upstream;

pub use self::fatal::{Fatal, causes};
