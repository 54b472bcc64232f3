//! The product from outside, one file per resource.
fn main() {}
