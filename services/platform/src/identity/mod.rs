//! Who a service of the product is to the others: its key, the access tokens that
//! the key is exchanged for, and calls that carry them.

mod key;
mod service;

pub use self::{
    key::{ApiKey, InvalidKey, PREFIX},
    service::{Identified, ServiceToken},
};

#[cfg(test)]
mod tests;
