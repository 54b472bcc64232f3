//! Configuration, read once from the environment and checked as a whole.

use std::{collections::HashMap, fmt::Display, fs, str::FromStr};

/// Every setting that was missing or malformed, so that one start tells all.
#[derive(Debug, thiserror::Error)]
#[error("invalid configuration:\n  {}", .0.join("\n  "))]
pub struct Error(Vec<String>);

/// Reads settings and remembers what was wrong with them.
///
/// A setting `KEY` may also be given as `KEY_FILE`, the path of a file that
/// holds it, which keeps secrets out of the environment.
#[derive(Default)]
pub struct Reader {
    variables: HashMap<String, String>,
    problems: Vec<String>,
}

/// A list of values, separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(pub Vec<String>);

// === impl Error ===

impl Error {
    /// Each of them, in one line.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

// === impl Reader ===

impl Reader {
    /// Reads the environment of this process.
    pub fn from_env() -> Self {
        // What is not text is nothing that we read.
        let text = |text: std::ffi::OsString| text.into_string().ok();
        Self::from_pairs(std::env::vars_os().filter_map(|(k, v)| Some((text(k)?, text(v)?))))
    }

    /// Reads the given pairs; tests and the dev stack use it.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { variables: pairs.into_iter().collect(), problems: Vec::new() }
    }

    /// A setting that must be there. The default stands in until [`Self::finish`].
    pub fn required<T: FromStr<Err: Display> + Default>(&mut self, key: &str) -> T {
        let found = self.text(key);
        if found.is_none() {
            self.problems.push(format!("{key} is not set"));
        }
        found.and_then(|text| self.parse(key, &text)).unwrap_or_default()
    }

    /// A setting that may be absent; an empty one is absent.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<T> {
        let text = self.text(key)?;
        self.parse(key, &text)
    }

    /// A setting with a default.
    pub fn or<T: FromStr<Err: Display>>(&mut self, key: &str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// The settings whose names begin alike, to be passed on to another process.
    pub fn pairs_with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (String, String)> + 'a {
        let pairs = self.variables.iter().filter(move |(key, _)| key.starts_with(prefix));
        pairs.map(|(key, value)| (key.clone(), value.clone()))
    }

    /// Reports a problem that only the caller can see.
    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Returns the settings if nothing was wrong with any of them.
    pub fn finish<T>(self, settings: T) -> Result<T, Error> {
        if self.problems.is_empty() { Ok(settings) } else { Err(Error(self.problems)) }
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let given = self.variables.get(key).filter(|text| !text.is_empty());
        if let Some(text) = given {
            return Some(text.clone());
        }
        let path = self.variables.get(&format!("{key}_FILE"))?;
        match fs::read_to_string(path) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) => {
                self.problems.push(format!("{key}_FILE: cannot read {path}: {error}"));
                None
            }
        }
    }

    fn parse<T: FromStr<Err: Display>>(&mut self, key: &str, text: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems.push(format!("{key}: {error}"));
                None
            }
        }
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("problems", &self.problems).finish_non_exhaustive()
    }
}

// === impl List ===

impl FromStr for List {
    type Err = std::convert::Infallible;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let values = s.split(',').map(str::trim).filter(|value| !value.is_empty());
        Ok(Self(values.map(str::to_owned).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(pairs: &[(&str, &str)]) -> Reader {
        Reader::from_pairs(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn reports_every_problem_at_once() {
        let mut reader = reader(&[("PORT", "x")]);
        let port: u16 = reader.required("PORT");
        let host: String = reader.required("HOST");
        let error = reader.finish((port, host)).unwrap_err().to_string();
        assert!(error.contains("PORT: invalid digit"), "{error}");
        assert!(error.contains("HOST is not set"), "{error}");
    }

    #[test]
    fn a_file_may_hold_a_setting() {
        let path = std::env::temp_dir().join(format!("mainstay-config-{}", std::process::id()));
        fs::write(&path, "hidden\n").unwrap();
        let mut reader = reader(&[("KEY_FILE", path.to_str().unwrap())]);
        assert_eq!(reader.required::<String>("KEY"), "hidden");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let mut reader = reader(&[("KEY_FILE", "/does/not/exist")]);
        let key: Option<String> = reader.optional("KEY");
        let error = reader.finish(key).unwrap_err().to_string();
        assert!(error.contains("KEY_FILE: cannot read /does/not/exist"), "{error}");
    }

    #[test]
    fn lists_ignore_blanks() {
        let list: List = " a, ,b ".parse().unwrap();
        assert_eq!(list.0, ["a", "b"]);
    }
}
