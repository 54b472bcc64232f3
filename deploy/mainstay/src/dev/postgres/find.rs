//! Finds the programs of `PostgreSQL` on this machine.

use std::{
    convert::Infallible,
    ffi::OsStr,
    path::{Path, PathBuf},
    str::FromStr,
};

use platform::config::Reader;

use super::{binaries::Binaries, cache, error::Error, fetch, owner::Owner};

/// Which programs the user wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Those in a folder.
    Folder(PathBuf),
    /// A copy of our own, even if some are installed.
    Fetch,
}

/// Where to look.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// What the user chose.
    pub choice: Option<Choice>,
    /// The search path of the shell.
    pub path: Option<String>,
    /// Where a fetched copy is kept, best first.
    pub caches: Vec<PathBuf>,
}

/// A search for programs that a certain user can run.
#[derive(Debug)]
pub(super) struct Search<'a> {
    pub(super) places: &'a Places,
    pub(super) owner: Owner,
}

/// Where packages put `PostgreSQL`: a parent and how the names in it begin.
const FAMILIES: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
    ("/Applications/Postgres.app/Contents/Versions", ""),
];

// === impl Choice ===

impl FromStr for Choice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "fetch" { Self::Fetch } else { Self::Folder(text.into()) })
    }
}

// === impl Places ===

impl Places {
    /// The usual places of whoever started this process.
    pub fn usual(choice: Option<Choice>, reader: &mut Reader) -> Self {
        let set = reader.optional::<Choice>("PG_BIN_DIR");
        let home = reader.optional::<PathBuf>("HOME").map(|home| home.join(".cache"));
        let cache = reader.optional::<PathBuf>("XDG_CACHE_HOME").or(home);
        let temporary = reader.optional::<PathBuf>("TMPDIR");
        let shared = ["/var/cache", "/var/tmp", "/tmp"].map(PathBuf::from);
        let caches = cache.into_iter().chain(shared).chain(temporary);
        Self {
            choice: choice.or(set),
            path: reader.optional("PATH"),
            caches: caches.map(|place| place.join("mainstay")).collect(),
        }
    }

    /// Every usable set of programs, best first, found only as far as asked.
    pub fn binaries(&self, owner: Owner) -> impl Iterator<Item = Binaries> {
        let mut seen = Vec::new();
        self.candidates(owner).into_iter().filter_map(move |place| {
            // `initdb` looks for its share folder beside the real file.
            let real = place.join("postgres").canonicalize().ok()?;
            let folder = real.parent()?.to_owned();
            if seen.contains(&folder) {
                return None;
            }
            seen.push(folder.clone());
            Binaries::probe(folder, owner)
        })
    }

    /// What is kept for us where others could have put it, and why it is not used.
    pub fn ignored(&self, owner: Owner) -> Vec<String> {
        self.caches.iter().flat_map(|cache| cache::faults(cache, owner)).collect()
    }

    fn candidates(&self, owner: Owner) -> Vec<PathBuf> {
        let cached = self.caches.iter().flat_map(|cache| cache::programs(cache, owner));
        match &self.choice {
            Some(Choice::Folder(folder)) => vec![folder.clone(), folder.join("bin")],
            Some(Choice::Fetch) => cached.collect(),
            None => {
                let path = self.path.iter().flat_map(std::env::split_paths);
                path.chain(installed(&FAMILIES)).chain(cached).collect()
            }
        }
    }
}

// === impl Search ===

impl Search<'_> {
    /// Programs of the major version that wrote some data.
    pub(super) fn readers_of(
        &self,
        data: &Path,
        major: &str,
        say: &mut dyn FnMut(String),
    ) -> Result<Binaries, Error> {
        let mut found = Vec::new();
        for binaries in self.places.binaries(self.owner) {
            if major == binaries.version.major.to_string() {
                return Ok(binaries);
            }
            found.push(binaries);
        }
        self.fetched(Some(major), say).map_err(|_unfetched| Error::OtherVersion {
            folder: data.to_owned(),
            written_by: major.to_owned(),
            found,
        })
    }

    /// Any programs, and a fetched copy where there are none.
    pub(super) fn any(&self, say: &mut dyn FnMut(String)) -> Result<Binaries, Error> {
        let found = self.places.binaries(self.owner).next();
        found.map_or_else(|| self.fetched(None, say), Ok)
    }

    fn fetched(&self, major: Option<&str>, say: &mut dyn FnMut(String)) -> Result<Binaries, Error> {
        if let Some(Choice::Folder(folder)) = &self.places.choice {
            return Err(Error::NotThere(folder.clone()));
        }
        let folder = fetch::fetch(&self.places.caches, major, self.owner, say)?;
        Binaries::probe(folder.clone(), self.owner).ok_or(Error::NotThere(folder))
    }
}

/// The `bin` folders that packages made, newest first within each family.
fn installed(families: &[(&str, &str)]) -> Vec<PathBuf> {
    let newest_first = |&(parent, prefix): &(&str, &str)| {
        let entries = Path::new(parent).read_dir().into_iter().flatten().flatten();
        let mut found: Vec<_> = entries
            .filter_map(|entry| Some((version_of(&entry.file_name(), prefix)?, entry.path())))
            .collect();
        found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        found.into_iter().map(|(_, path)| path.join("bin"))
    };
    families.iter().flat_map(newest_first).collect()
}

fn version_of(name: &OsStr, prefix: &str) -> Option<f32> {
    name.to_str()?.strip_prefix(prefix)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn newer_versions_come_first_by_number() {
        let root = tempfile::tempdir().unwrap();
        for name in ["9.6", "15", "postgresql@9", "17", "common"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let found = installed(&[(root.path().to_str().unwrap(), "")]);
        let expected = ["17/bin", "15/bin", "9.6/bin"].map(|name| root.path().join(name));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_chosen_folder_is_the_only_place() {
        let places = Places {
            choice: Some("/opt/pg".parse().unwrap()),
            path: Some("/usr/bin".to_owned()),
            caches: vec!["/var/cache/mainstay".into()],
        };
        assert_eq!(places.candidates(Owner::Us), [Path::new("/opt/pg"), Path::new("/opt/pg/bin")]);
    }

    #[test]
    fn the_search_path_comes_before_the_usual_places() {
        let places = Places { path: Some("/a:/b".to_owned()), ..Places::default() };
        let found = places.candidates(Owner::Us);
        assert_eq!(found.iter().take(2).collect::<Vec<_>>(), [Path::new("/a"), Path::new("/b")]);
    }

    #[test]
    fn a_postgres_without_initdb_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("postgres"), "").unwrap();
        let choice = Some(Choice::Folder(folder.path().to_owned()));
        let places = Places { choice, ..Places::default() };
        assert_eq!(places.binaries(Owner::Us).count(), 0);
    }
}
