//! A folder of `PostgreSQL` data: where it is, who may enter it, which programs
//! can read it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use aws_lc_rs::digest;

use super::{
    binaries::Binaries,
    error::Error,
    find::{Places, Search},
    home::home,
    owner::Owner,
};

/// What to start, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data, the socket and the log are kept here, or, where the user who
    /// runs `PostgreSQL` cannot enter it, in a folder that this one links to.
    pub folder: PathBuf,
    /// Where to look for the programs.
    pub places: Places,
    /// Whether data survives a loss of power. Tests are faster without.
    pub durable: bool,
}

/// Data that is ready to be served.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(super) binaries: Binaries,
    pub(super) owner: Owner,
    pub(super) home: PathBuf,
    pub(super) socket: PathBuf,
    pub(super) durable: bool,
    pub(super) is_new: bool,
}

/// The name that `PostgreSQL` gives its socket.
pub(super) const SOCKET: &str = ".s.PGSQL.5432";

/// Addresses of Unix sockets hold this many bytes (108 with the closing zero).
const LONGEST_ADDRESS: usize = 107;

// === impl Cluster ===

impl Cluster {
    /// Finds the data of a folder and programs that can read it; makes new data
    /// where there is none.
    pub fn open(options: &Options, say: &mut dyn FnMut(String)) -> Result<Self, Error> {
        let owner = Owner::detect();
        let home = home(&options.folder, owner, say)?;
        let data = home.join("data");
        let version = fs::read_to_string(data.join("PG_VERSION")).ok();
        let search = Search { places: &options.places, owner };
        let binaries = match &version {
            Some(version) => search.readers_of(&data, version.trim(), say),
            None => search.any(say),
        }?;
        let socket = socket(&home, owner)?;
        let (durable, is_new) = (options.durable, version.is_none());
        let cluster = Self { binaries, owner, home, socket, durable, is_new };
        if is_new {
            cluster.init()?;
        }
        Ok(cluster)
    }

    /// The programs in use.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// Holds the data, the socket and the log.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Whether the data was made by this process.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    pub(super) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home.join("server.log")
    }

    pub(super) fn command(&self, program: &str) -> Command {
        self.owner.command(&self.binaries.program(program))
    }

    /// Makes new data under another name first, so that a run that is killed in
    /// between leaves nothing that looks complete.
    fn init(&self) -> Result<(), Error> {
        let (data, partial) = (self.data(), self.home.join("data.partial"));
        let failed = |said: String| Error::Init { folder: data.clone(), said };
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(|error| failed(error.to_string()))?;
        }
        let locale: &[&str] = match std::env::consts::OS {
            "macos" => &["--locale=C", "--lc-ctype=UTF-8"],
            _ => &["--locale=C.UTF-8"],
        };
        let mut command = self.command("initdb");
        command.arg("-D").arg(&partial).args(["--username=postgres", "--auth=trust"]);
        command.args(["--encoding=UTF8", "--no-instructions"]).args(locale);
        if !self.durable {
            command.arg("--no-sync");
        }
        let output = command.output().map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(last_line(&String::from_utf8_lossy(&output.stderr))));
        }
        fs::rename(&partial, &data).map_err(|error| failed(error.to_string()))
    }
}

/// The last line that says something.
pub(super) fn last_line(text: &str) -> String {
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    last.unwrap_or("it said nothing").trim().to_owned()
}

/// The folder of the socket: beside the data, or, where the address would be too
/// long, below `/tmp`.
fn socket(home: &Path, owner: Owner) -> Result<PathBuf, Error> {
    let beside = home.join("run");
    let folder = if is_address(&beside) {
        beside
    } else {
        Path::new("/tmp").join(format!("mainstay-{}", short_name(home)))
    };
    let made = owner.make_private_folder(&folder);
    made.map_err(|cause| Error::Folder { path: folder.clone(), cause })?;
    Ok(folder)
}

/// Whether a socket in this folder has a valid address. A comma separates hosts
/// in connection strings.
fn is_address(folder: &Path) -> bool {
    let address = folder.join(SOCKET);
    let bytes = address.as_os_str().as_encoded_bytes();
    bytes.len() <= LONGEST_ADDRESS && !bytes.contains(&b',')
}

/// Twelve letters and digits that stand for a path.
pub(super) fn short_name(path: &Path) -> String {
    let digest = digest::digest(&digest::SHA256, path.as_os_str().as_encoded_bytes());
    let number =
        digest.as_ref().iter().take(6).fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
    format!("{number:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_addresses_are_refused() {
        let room = LONGEST_ADDRESS - SOCKET.len() - 2;
        assert!(is_address(Path::new(&format!("/{}", "a".repeat(room)))));
        assert!(!is_address(Path::new(&format!("/{}", "a".repeat(room + 1)))));
        assert!(!is_address(Path::new("/srv/a,b")));
    }

    #[test]
    fn names_are_short_and_differ() {
        let (a, b) = (short_name(Path::new("/a")), short_name(Path::new("/b")));
        assert_eq!(a.len(), 12);
        assert_ne!(a, b);
    }
}
