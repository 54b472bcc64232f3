//! What every process of the product needs, and no business of any of them.

pub mod access;
pub mod config;
mod fatal;
pub mod mask;
pub mod page;
pub mod request_id;
pub mod rules;
pub mod seal;
pub mod server;
pub mod status;
pub mod telemetry;
pub mod time;
pub mod timing;
pub mod token;
pub mod upstream;

pub use self::fatal::Fatal;
