use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

use crate::source::{none, root};

/// What each crate may depend on. Arrows point from a line to earlier lines only.
const ARROWS: &[(&str, &[&str])] = &[
    ("proto", &[]),
    ("platform", &["proto"]),
    ("database", &["platform"]),
    ("auth", &["proto", "platform", "database"]),
    ("content", &["proto", "platform", "database"]),
    ("gateway", &["proto", "platform"]),
    ("mainstay", &["proto", "platform", "database", "auth", "content", "gateway"]),
    ("tests", &["proto", "platform", "database", "auth", "content", "gateway", "mainstay"]),
];

/// Who may talk to the database's driver and to SQL.
const DRIVERS: &[(&str, &[&str])] = &[
    ("tokio-postgres", &["database", "auth", "content", "mainstay", "tests"]),
    ("deadpool-postgres", &["database"]),
];

#[test]
fn crates_depend_one_way() {
    let allowed: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let crates = workspace();
    assert_eq!(crates.len(), ARROWS.len(), "every crate has its line in ARROWS");
    none(crates.into_iter().flat_map(|(name, dependencies)| {
        let allowed = allowed.get(name.as_str()).copied();
        let allowed = allowed.unwrap_or_else(|| panic!("{name} is not in ARROWS"));
        let wrong = dependencies.into_iter().filter(move |(dependency, is_ours)| {
            *is_ours && !allowed.contains(&dependency.as_str())
        });
        wrong.map(move |(dependency, _)| format!("{name} must not use {dependency}"))
    }));
}

#[test]
fn only_those_who_store_know_the_driver() {
    none(workspace().into_iter().flat_map(|(name, dependencies)| {
        let wrong = dependencies.into_iter().filter(|(dependency, _)| {
            let driver = DRIVERS.iter().find(|(driver, _)| driver == dependency);
            driver.is_some_and(|(_, users)| !users.contains(&name.as_str()))
        });
        wrong.map(|(dependency, _)| format!("{name} must not use {dependency}")).collect::<Vec<_>>()
    }));
}

#[test]
fn the_list_itself_points_one_way() {
    let mut earlier = Vec::new();
    for (name, dependencies) in ARROWS {
        for dependency in *dependencies {
            assert!(earlier.contains(dependency), "{name} -> {dependency}");
        }
        earlier.push(*name);
    }
}

/// Every crate of the workspace, with what it depends on and whether that is ours.
fn workspace() -> Vec<(String, Vec<(String, bool)>)> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version=1"]).current_dir(root());
    let metadata: Value = serde_json::from_slice(&cargo.output().unwrap().stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (text(&package["name"]), dependencies(package))).collect()
}

fn dependencies(package: &Value) -> Vec<(String, bool)> {
    let dependencies = package["dependencies"].as_array().unwrap();
    dependencies.iter().map(|it| (text(&it["name"]), it["path"].is_string())).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
