//! Types of the contract with serde by pbjson, which the benchmark compares with.

#![expect(clippy::disallowed_methods, reason = "Cargo tells build scripts by the environment")]

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

/// The messages that the benchmark transcodes.
const USED: [&str; 4] = ["CreatePostRequest", "ListPostsResponse", "Post", "Profile"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../proto");
    let mut compiler = protox::Compiler::new(["../proto"])?;
    compiler.include_imports(true).open_file("mainstay/content/v1/posts.proto")?;
    let descriptors = compiler.encode_file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?).join("pbjson");
    fs::create_dir_all(&out)?;

    let mut set = prost_types::FileDescriptorSet::decode(descriptors.as_slice())?;
    // Options are no part of a message.
    let is_wanted =
        |package: &str| package.starts_with("mainstay.") || package == "google.protobuf";
    set.file.retain(|file| is_wanted(file.package()) && !file.name().ends_with("descriptor.proto"));
    set.file.retain(|file| file.package() != "mainstay.options.v1");
    for file in set.file.iter_mut().filter(|file| file.package().starts_with("mainstay.")) {
        file.service.clear();
        file.message_type.retain(|message| USED.contains(&message.name()));
    }
    let descriptors = set.encode_to_vec();
    let mut prost = prost_build::Config::new();
    prost.compile_well_known_types().extern_path(".google.protobuf", "::pbjson_types");
    prost.out_dir(&out).compile_fds(set)?;
    pbjson_build::Builder::new()
        .register_descriptors(&descriptors)?
        .extern_path(".google.protobuf", "::pbjson_types")
        .out_dir(&out)
        .build(&[".mainstay.auth.v1", ".mainstay.content.v1"])?;
    Ok(())
}
