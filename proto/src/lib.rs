//! The contract of the product: messages, services, REST routes, access rules
//! and field rules.
//!
//! Everything here is generated from the `.proto` files beside this crate. It
//! holds no logic and depends on no other crate of the workspace.

/// The product's own packages.
pub mod mainstay {
    /// Options that the contract adds to methods and fields.
    pub mod options {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("mainstay.options.v1");
        }
    }

    /// Users, sessions and keys.
    pub mod auth {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("mainstay.auth.v1");
        }
    }

    /// What users publish.
    pub mod content {
        /// Version 1.
        pub mod v1 {
            tonic::include_proto!("mainstay.content.v1");
        }
    }
}

/// What the contract takes from Google's common protos.
pub mod google {
    /// HTTP: files, and routes.
    pub mod api {
        tonic::include_proto!("google.api");
    }
}

pub use self::mainstay::{auth, content, options};

/// The encoded `FileDescriptorSet` of every file, options included.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
