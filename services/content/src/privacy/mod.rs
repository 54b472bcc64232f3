//! What auth asks for in the name of users: everything that they wrote, or that it is
//! erased.

mod rpc;
mod store;
mod works;

pub(crate) use self::rpc::Rpc;
