//! Types that prost and pbjson generate from the contract (`build.rs`).

#![expect(
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]

pub mod auth {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/pbjson/mainstay.auth.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/pbjson/mainstay.auth.v1.serde.rs"));
    }
}

pub mod content {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/pbjson/mainstay.content.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/pbjson/mainstay.content.v1.serde.rs"));
    }
}
