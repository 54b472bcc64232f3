//! Streams, files and gRPC for browsers, in front of a service that has them all.

mod browser;
mod contracts;
mod downloads;
mod events;
mod flow;
mod forms;
mod messages;
mod rig;
mod uploads;
mod web;
