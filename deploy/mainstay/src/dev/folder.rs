//! The data folder: ours alone while we run, with the secret that its data is
//! encrypted with.

use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::rand;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use super::postgres::Guard;

/// The data folder, locked.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
    /// Removes the folder, if it is not to be kept.
    guard: Option<Guard>,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another stack runs on it.
    #[error("data directory {path} is in use by mainstay dev (pid {pid})")]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process that uses it.
        pid: String,
    },
    /// A file or folder cannot be used.
    #[error("{path} cannot be used: {cause}")]
    Unusable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The secret is not one.
    #[error("{0} is damaged: it is not 32 bytes in base64url")]
    Secret(PathBuf),
}

const SECRET_BYTES: usize = 32;

// === impl Folder ===

impl Folder {
    /// Opens a folder, and makes it if need be.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let unusable = |cause| Error::Unusable { path: path.to_owned(), cause };
        // Others may pass through to the folder of PostgreSQL, not look around.
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o711).create(path).map_err(unusable)?;
        let path = path.canonicalize().map_err(unusable)?;
        let lock = lock(&path)?;
        sign(&lock).map_err(unusable)?;
        Ok(Self { path, _lock: lock, guard: None })
    }

    /// Makes a folder that lasts as long as this process at most.
    pub fn ephemeral() -> Result<Self, Error> {
        let made = Guard::new("postgres/data");
        let path = std::env::temp_dir();
        let guard = made.map_err(|cause| Error::Unusable { path, cause })?;
        let folder = Self::open(guard.folder())?;
        Ok(Self { guard: Some(guard), ..folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is removed at the end.
    pub fn is_ephemeral(&self) -> bool {
        self.guard.is_some()
    }

    /// Where PostgreSQL keeps its files.
    pub fn postgres(&self) -> PathBuf {
        self.path.join("postgres")
    }

    /// The secret that data in this folder is encrypted with, in base64url.
    pub fn secret(&self) -> Result<String, Error> {
        let path = self.path.join("secret");
        match fs::read_to_string(&path) {
            Ok(text) => {
                let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.trim());
                let is_whole = bytes.is_ok_and(|bytes| bytes.len() == SECRET_BYTES);
                if is_whole { Ok(text.trim().to_owned()) } else { Err(Error::Secret(path)) }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                new_secret(&path).map_err(|cause| Error::Unusable { path, cause })
            }
            Err(cause) => Err(Error::Unusable { path, cause }),
        }
    }
}

// === impl Error ===

impl Error {
    /// Whether another stack is in the way.
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }

    /// What the user can do.
    pub fn fix(&self) -> String {
        match self {
            Self::InUse { pid, .. } => {
                format!("kill {pid}   or: mainstay dev --data DIR --port 0")
            }
            Self::Unusable { .. } => "mainstay dev --data DIR, one you can write to".to_owned(),
            Self::Secret(path) => {
                format!(
                    "restore {} from a backup, or delete the folder to begin anew",
                    path.display()
                )
            }
        }
    }
}

/// Who uses a folder now, if anybody does.
pub fn in_use(path: &Path) -> Option<Error> {
    path.join("lock").exists().then(|| lock(path).err()).flatten()
}

/// The lock ends with the process that took it, however that ends.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    let unusable = |cause| Error::Unusable { path: path.clone(), cause };
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    let file = options.open(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
            Err(Error::InUse { path: folder.to_owned(), pid })
        }
        Err(TryLockError::Error(cause)) => Err(unusable(cause)),
    }
}

/// Tells others who has the lock.
fn sign(mut lock: &File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}

/// Makes a secret that is whole or not there at all.
fn new_secret(path: &Path) -> io::Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    rand::fill(&mut bytes).map_err(|_unspecified| io::Error::other("no randomness to be had"))?;
    let text = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let partial = path.with_extension("partial");
    let mut options = File::options();
    let mut file = options.create(true).truncate(true).write(true).mode(0o600).open(&partial)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_folder_has_one_user_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        assert!(in_use(&path).is_none());
        let first = Folder::open(&path).unwrap();
        let error = Folder::open(&path).unwrap_err();
        assert!(error.is_in_use());
        let pid = format!("(pid {})", std::process::id());
        assert!(error.to_string().ends_with(&pid), "{error}");
        drop(first);
        assert!(in_use(&path).is_none());
        assert!(Folder::open(&path).is_ok());
    }

    #[test]
    fn the_secret_is_made_once_and_for_us_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(&parent.path().join("data")).unwrap();
        let secret = folder.secret().unwrap();
        assert_eq!(folder.secret().unwrap(), secret);
        let file = fs::metadata(folder.path().join("secret")).unwrap();
        assert_eq!(file.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_secret_is_not_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        fs::write(folder.path().join("secret"), "short").unwrap();
        assert!(matches!(folder.secret(), Err(Error::Secret(_))));
    }
}
