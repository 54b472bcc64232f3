//! The whole product in one binary, and the development stack that tests use.

pub mod admin;
pub mod dev;
pub mod doctor;
pub mod exit;
pub mod migrate;
pub mod service;
