//! Streams, files and gRPC for browsers, in front of a service that has them all.

mod downloads;
mod events;
mod messages;
mod rig;
mod uploads;
