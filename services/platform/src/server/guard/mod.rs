//! What stands between a socket and hyper: it lets no ambiguous head of HTTP/1
//! and no flood of HTTP/2 pass, and sees how patient one has to be.

mod addresses;
mod chunks;
mod fault;
mod head;
mod http1;
mod http2;
mod judge;
mod serve;
mod stream;
mod watch;

pub(super) use self::{
    addresses::{Addresses, Place},
    judge::{EVERY, EVERY_AT_THE_END, Judge, Patience, Verdict},
    serve::Attended,
    stream::Guard,
    watch::Watch,
};
pub use self::{
    fault::Refusal,
    serve::{Paced, TooSlow},
};
