//! Compiles every `.proto` of this folder, in pure Rust: no `protoc`, no network.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(files(Path::new("mainstay"))?)?;

    // Encoded by protox and not by prost, which would drop the options that it
    // does not know: the access rules, the field rules and the routes.
    let descriptors = compiler.encode_file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), &descriptors)?;

    let mut prost = tonic_prost_build::Config::new();
    prost.enable_type_names();
    let set = prost_types::FileDescriptorSet::decode(descriptors.as_slice())?;
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        .compile_fds_with_config(set, prost)?;

    for folder in ["mainstay", "google", "buf"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    Ok(())
}

/// Every `.proto` below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension() == Some("proto".as_ref()) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
