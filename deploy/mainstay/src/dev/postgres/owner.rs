//! `PostgreSQL` refuses to run as root: says whom it runs as and what that
//! user may enter.

use std::{
    fs::{self, DirBuilder, Metadata, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
};

/// Who runs `PostgreSQL` and owns its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Whoever runs this program.
    Us,
    /// Somebody without rights, because we are root.
    Other(Account),
}

/// A user of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    uid: u32,
    gid: u32,
}

/// Used when `/etc/passwd` knows neither `postgres` nor `nobody`.
const NOBODY: Account = Account { uid: 65534, gid: 65534 };

// === impl Owner ===

impl Owner {
    /// Decides by who we are.
    pub fn detect() -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::Us;
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let known = ["postgres", "nobody"].iter().find_map(|name| account(&passwd, name));
        Self::Other(known.unwrap_or(NOBODY))
    }

    /// A command that will run as this owner, away from our folder and input.
    pub fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).current_dir("/").env_remove("PGDATA");
        if let Self::Other(Account { uid, gid }) = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Makes sure that a folder is there which only this owner (and root) can
    /// open. Refuses a link and a folder of somebody else, as may lie in wait
    /// where all users can write.
    pub fn make_private_folder(self, path: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) | Ok(()) => {}
        }
        let found = fs::symlink_metadata(path)?;
        if !found.is_dir() || !self.trusts(&found) {
            return Err(io::Error::other("it belongs to somebody else"));
        }
        if let Self::Other(Account { uid, gid }) = self {
            chown(path, Some(uid), Some(gid))?;
        }
        fs::set_permissions(path, Permissions::from_mode(0o700))
    }

    /// Whether this owner can enter a folder through all folders above it.
    pub fn can_enter(self, folder: &Path) -> bool {
        let Self::Other(account) = self else { return true };
        folder.ancestors().all(|folder| fs::metadata(folder).is_ok_and(|it| account.enters(&it)))
    }

    /// Whether something belongs to us or to this owner.
    pub(super) fn trusts(self, found: &Metadata) -> bool {
        let us = rustix::process::geteuid().as_raw();
        let other = match self {
            Self::Us => us,
            Self::Other(account) => account.uid,
        };
        found.uid() == us || found.uid() == other
    }
}

// === impl Account ===

impl Account {
    fn enters(self, folder: &Metadata) -> bool {
        let bit = if folder.uid() == self.uid {
            0o100
        } else if folder.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        folder.mode() & bit != 0
    }
}

/// Finds a user in the text of `/etc/passwd`.
fn account(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        # a comment\n\
        postgresql:x:7:7::/:/bin/false\n\
        postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n\
        broken:x:many:1::/:\n";

    #[test]
    fn users_are_found_by_their_whole_name() {
        assert_eq!(account(PASSWD, "postgres"), Some(Account { uid: 101, gid: 104 }));
        assert_eq!(account(PASSWD, "nobody"), None);
        assert_eq!(account(PASSWD, "broken"), None);
    }

    #[test]
    fn a_private_home_above_keeps_others_out() {
        let home = tempfile::tempdir().unwrap();
        let inner = home.path().join("checkout");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o700)).unwrap();
        let stranger = Owner::Other(Account { uid: 4242, gid: 4242 });
        assert!(!stranger.can_enter(&inner));
        fs::set_permissions(home.path(), Permissions::from_mode(0o711)).unwrap();
        assert!(stranger.can_enter(&inner));
    }

    #[test]
    fn a_link_is_not_taken_for_a_private_folder() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/tmp", &link).unwrap();
        assert!(Owner::Us.make_private_folder(&link).is_err());
    }
}
