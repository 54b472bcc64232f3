//! What is kept between two starts, and shared by processes: readable by us alone,
//! and replaced in one step.

use std::{
    fs::{self, DirBuilder, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use instant_acme::AccountCredentials;

const OURS_ALONE: u32 = 0o600;
const LONGEST_TOKEN: usize = 128;

/// The folder of one authority: what the staging one gave is not what the real one
/// gave.
#[derive(Clone, Debug)]
pub(super) struct Store {
    folder: PathBuf,
}

/// While it is held, no other process asks for a certificate.
#[derive(Debug)]
pub(super) struct Lock {
    _file: fs::File,
}

/// Where the proof for a token is, if it is one.
pub(super) fn challenge(folder: &Path, token: &str) -> Option<PathBuf> {
    let is_token = (1..=LONGEST_TOKEN).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_token.then(|| folder.join(token))
}

// === impl Store ===

impl Store {
    /// Opens a folder, and makes it if need be.
    pub(super) fn open(folder: &Path, directory: &str) -> io::Result<Self> {
        let store = Self { folder: folder.join(name_of(directory)) };
        DirBuilder::new().recursive(true).mode(0o700).create(store.challenges())?;
        // Whether files can be made is better known now than in two months.
        drop(store.open_lock()?);
        Ok(store)
    }

    /// Where the certificate and its key are.
    pub(super) fn certificate_in(folder: &Path, directory: &str) -> PathBuf {
        folder.join(name_of(directory)).join("certificate.pem")
    }

    pub(super) fn challenges(&self) -> PathBuf {
        self.folder.join("challenges")
    }

    /// The lock, unless another process has it.
    pub(super) fn lock(&self) -> io::Result<Option<Lock>> {
        let file = self.open_lock()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The account, if we have one.
    pub(super) fn account(&self) -> Option<AccountCredentials> {
        let text = fs::read(self.folder.join("account.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(super) fn keep_account(&self, account: &AccountCredentials) -> io::Result<()> {
        self.replace("account.json", &serde_json::to_vec(account)?)
    }

    pub(super) fn forget_account(&self) -> io::Result<()> {
        fs::remove_file(self.folder.join("account.json"))
    }

    pub(super) fn keep_certificate(&self, key: &str, chain: &str) -> io::Result<()> {
        self.replace("certificate.pem", format!("{}\n{chain}", key.trim_end()).as_bytes())
    }

    pub(super) fn keep_challenge(&self, token: &str, proof: &str) -> io::Result<()> {
        let path = challenge(&self.challenges(), token).ok_or(io::ErrorKind::InvalidInput)?;
        write(&path, proof.as_bytes()).map(drop)
    }

    pub(super) fn forget_challenges(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.challenges())? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    /// Writes a file beside and puts it in place, so that nobody reads half of it.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = self.folder.join(format!("{name}.new"));
        write(&new, bytes)?.sync_all()?;
        fs::rename(new, self.folder.join(name))
    }

    fn open_lock(&self) -> io::Result<fs::File> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(OURS_ALONE);
        options.open(self.folder.join("lock"))
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    let mut file = options.create(true).truncate(true).write(true).mode(OURS_ALONE).open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// An address as the name of a folder.
fn name_of(directory: &str) -> String {
    let name = directory.trim_start_matches("https://");
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_name_files() {
        let folder = Path::new("/f");
        assert_eq!(challenge(folder, "aZ0-_"), Some("/f/aZ0-_".into()));
        for token in ["", ".", "..", "a/b", "../lock", "a.b", "a%2fb", &"a".repeat(129)] {
            assert_eq!(challenge(folder, token), None, "{token}");
        }
    }

    #[test]
    fn authorities_do_not_share_a_folder() {
        let names = ["https://a.org/dir", "https://a.org:1/dir", "https://b.org/dir"].map(name_of);
        assert_eq!(names, ["a.org-dir", "a.org-1-dir", "b.org-dir"]);
    }
}
