//! Stops a throw-away server and removes its files even when this process is
//! killed or ends without dropping anything.

use std::{
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::owner::Owner;

/// Deletes a folder when dropped, and when this process ends in any way.
#[derive(Debug)]
pub struct Guard {
    folder: PathBuf,
    shell: Child,
}

/// Waits for the end of its input, which is the end of this process, then stops
/// the server, if one still runs, and removes the folder.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
read -r _
if read -r pid < "$2" 2>/dev/null; then
    kill -INT "$pid" 2>/dev/null
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ -e "$2" ] || break
        sleep 0.1
    done
fi
rm -rf "$1"
"#;

// === impl Guard ===

impl Guard {
    /// Makes a folder that lasts as long as this process at most. A server may
    /// leave its `postmaster.pid` in the folder `data` of it.
    pub fn new(data: &str) -> io::Result<Self> {
        // Others may look through it, as `PostgreSQL` may run as another user.
        let folder = tempfile::Builder::new()
            .prefix("mainstay-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o711))
            .tempdir_in(place())?;
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "mainstay-guard"])
            .arg(folder.path())
            .arg(folder.path().join(data).join("postmaster.pid"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { folder: folder.keep(), shell })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        if let Err(error) = self.shell.wait() {
            debug_assert!(false, "the shell is our child: {error}");
        }
    }
}

/// The temporary folder, unless the owner of `PostgreSQL` cannot enter it or its
/// name is so long that the address of a socket would be too.
fn place() -> PathBuf {
    let usual = std::env::temp_dir();
    let is_short = usual.as_os_str().len() <= 60;
    if is_short && Owner::detect().can_enter(&usual) { usual } else { PathBuf::from("/tmp") }
}
