//! The files of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A source file.
pub(crate) struct Source {
    /// Where it is, from the root of the repository.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file with an extension below the folders of our code.
pub(crate) fn files(extension: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let code = ["proto", "services", "gateway", "deploy", "tests"];
    let mut folders: Vec<_> = code.map(|name| root().join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_hidden = path.file_name().unwrap().to_str().unwrap().starts_with('.');
            if path.is_dir() && !is_hidden {
                folders.push(path);
            } else if path.extension() == Some(extension.as_ref()) {
                found.push(Source::read(&path));
            }
        }
    }
    assert!(!found.is_empty(), "no .{extension} files");
    found
}

/// Rust that is shipped: neither tests nor build scripts.
pub(crate) fn shipped() -> impl Iterator<Item = Source> {
    let is_shipped = |source: &Source| {
        let is_test = source.path.split('/').any(|it| ["tests", "tests.rs"].contains(&it));
        !is_test && !source.path.ends_with("build.rs")
    };
    files("rs").into_iter().filter(is_shipped)
}

/// Fails with a list of everything that is wrong, so that one run tells all.
#[track_caller]
pub(crate) fn none(problems: impl IntoIterator<Item = String>) {
    let problems: Vec<_> = problems.into_iter().collect();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

// === impl Source ===

impl Source {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        Self { path, text }
    }

    /// The lines before the unit tests, without comments, numbered.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let lines = self.text[..end].lines().enumerate();
        let lines = lines.map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Where the code holds one of some texts.
    pub(crate) fn uses(&self, texts: &[&str]) -> Vec<String> {
        let used = self.code().flat_map(|(number, line)| {
            let texts = texts.iter().filter(move |text| line.contains(*text));
            texts.map(move |text| format!("{}:{number}: {text}", self.path))
        });
        used.collect()
    }

    /// The text inside double quotes, line by line.
    pub(crate) fn literals(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code().flat_map(|(number, line)| {
            let inside = line.split('"').skip(1).step_by(2);
            inside.map(move |literal| (number, literal))
        })
    }
}
