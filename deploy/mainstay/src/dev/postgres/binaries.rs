//! The programs of `PostgreSQL` and their version.

use std::{fmt, path::PathBuf};

use super::owner::Owner;

/// The programs of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// Holds `postgres` and `initdb`.
    pub folder: PathBuf,
    /// What `postgres --version` said.
    pub version: Version,
}

/// A version such as `15.20` or `18beta1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Data of one major version cannot be read by another.
    pub major: u32,
    text: String,
}

// === impl Binaries ===

impl Binaries {
    /// One of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Asks the programs for their version, as the user who will run them.
    pub(super) fn probe(folder: PathBuf, owner: Owner) -> Option<Self> {
        if !folder.join("initdb").exists() {
            return None;
        }
        let output = owner.command(&folder.join("postgres")).arg("--version").output().ok()?;
        let version = Version::parse(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { folder, version })
    }
}

impl fmt::Display for Binaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL {} in {}", self.version, self.folder.display())
    }
}

// === impl Version ===

impl Version {
    /// Reads `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`.
    fn parse(answer: &str) -> Option<Self> {
        let (_, rest) = answer.split_once("(PostgreSQL) ")?;
        let text = rest.split_whitespace().next()?.to_owned();
        Some(Self { major: leading_number(&text)?, text })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn leading_number(text: &str) -> Option<u32> {
    text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_print_them() {
        let cases = [
            ("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n", 15, "15.20"),
            ("postgres (PostgreSQL) 18beta1\n", 18, "18beta1"),
            ("postgres (PostgreSQL) 9.6.24\n", 9, "9.6.24"),
        ];
        for (answer, major, text) in cases {
            let version = Version::parse(answer).unwrap();
            assert_eq!((version.major, version.to_string().as_str()), (major, text));
        }
        assert_eq!(Version::parse("postgres: command not found"), None);
    }
}
