use std::fs;

use crate::source::{files, none, root, shipped};

const LONGEST: usize = 300;

/// What the top level of the repository may hold besides hidden files.
const TOP: [&str; 11] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "deploy",
    "gateway",
    "proto",
    "services",
    "tests",
    "target",
];

#[test]
fn files_are_short() {
    none(files("rs").iter().filter_map(|source| {
        let lines = source.text.lines().count();
        (lines > LONGEST).then(|| format!("{} has {lines} lines", source.path))
    }));
}

#[test]
fn the_top_level_holds_nothing_unexpected() {
    let names = fs::read_dir(root()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    none(names.filter(|name| !name.starts_with('.') && !TOP.contains(&name.as_str())));
}

#[test]
fn modules_say_why_they_exist() {
    none(shipped().filter_map(|source| {
        let is_root = ["lib.rs", "main.rs", "mod.rs"].iter().any(|it| source.path.ends_with(it));
        let is_silent = is_root && !source.text.starts_with("//! ");
        is_silent.then(|| format!("{} has no `//!`", source.path))
    }));
}

#[test]
fn silences_have_reasons() {
    none(shipped().flat_map(|source| source.uses(&["#[allow(", "#![allow("])));
}
