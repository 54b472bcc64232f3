//! Whether a port can be had, and who has it if not.

use std::{
    ffi::OsStr,
    fs, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Why a port cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody listens on it.
    #[error("port {port} is taken{}", holder(.by.as_deref()))]
    Taken {
        /// The port.
        port: u16,
        /// The option that changes it.
        flag: &'static str,
        /// The process that listens, where the system tells.
        by: Option<String>,
    },
    /// Two services cannot share one.
    #[error("port {port} is asked for twice")]
    Twice {
        /// The port.
        port: u16,
        /// The option that changes it.
        flag: &'static str,
    },
    /// The system does not allow it.
    #[error("port {port} cannot be used: {cause}")]
    Refused {
        /// The port.
        port: u16,
        /// The option that changes it.
        flag: &'static str,
        /// What the system said.
        cause: io::Error,
    },
}

// === impl Error ===

impl Error {
    /// What the user can do.
    pub fn fix(&self) -> String {
        match self {
            Self::Taken { port, flag, .. } => {
                let free = (port.saturating_add(1)..=u16::MAX).find(|port| bind(*port).is_ok());
                format!("mainstay dev {flag} {}", free.unwrap_or(0))
            }
            Self::Twice { flag, .. } | Self::Refused { flag, .. } => {
                format!("mainstay dev {flag} 0, which takes any free port")
            }
        }
    }
}

/// Makes sure that ports can be had. With `patience`, a stack that was killed has
/// time to let go of them.
pub async fn check(ports: [(u16, &'static str); 3], patience: Duration) -> Result<(), Error> {
    let deadline = Instant::now() + patience;
    for (index, &(port, flag)) in ports.iter().enumerate() {
        if port != 0 && ports.iter().take(index).any(|(other, _)| *other == port) {
            return Err(Error::Twice { port, flag });
        }
        while let Err(error) = check_one(port, flag) {
            if Instant::now() > deadline {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

/// Makes sure that one port can be had; port 0 always can.
pub fn check_one(port: u16, flag: &'static str) -> Result<(), Error> {
    bind(port).map_err(|cause| match cause.kind() {
        io::ErrorKind::AddrInUse => Error::Taken { port, flag, by: listener(port) },
        _ => Error::Refused { port, flag, cause },
    })
}

/// Listens for a moment on both kinds of `localhost`; a machine without IPv6 does
/// without.
fn bind(port: u16) -> io::Result<()> {
    let first = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let second = TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    drop(first);
    match second {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) | Ok(_) => Ok(()),
    }
}

/// Names the process that listens on a port, as far as `/proc` shows it to us.
fn listener(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let inode = tables.iter().flatten().find_map(|table| inode_of(table, port))?;
    let socket = format!("socket:[{inode}]");
    let processes = Path::new("/proc").read_dir().ok()?.flatten();
    let is_number = |path: &PathBuf| path.file_name().is_some_and(is_number);
    let holder = processes.map(|entry| entry.path()).filter(is_number).find(|process| {
        let files = process.join("fd").read_dir().into_iter().flatten().flatten();
        files.flat_map(|file| fs::read_link(file.path())).any(|it| it == Path::new(&socket))
    })?;
    let command = fs::read_to_string(holder.join("cmdline")).ok()?;
    let program = command.split('\0').take(2).collect::<Vec<_>>().join(" ");
    let place = fs::read_link(holder.join("cwd")).ok();
    let place = place.map(|it| format!(" in {}", it.display())).unwrap_or_default();
    Some(format!("`{}` (pid {}){place}", program.trim(), holder.file_name()?.display()))
}

/// Finds who listens in the text of `/proc/net/tcp`: the second column is the
/// address, the fourth the state (0A: listening), the tenth the inode.
fn inode_of(table: &str, port: u16) -> Option<&str> {
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_whitespace();
        let (_, hex) = columns.nth(1)?.rsplit_once(':')?;
        let is_listening = columns.nth(1)? == "0A";
        let inode = columns.nth(5)?;
        let found = is_listening && u16::from_str_radix(hex, 16) == Ok(port);
        found.then_some(inode)
    })
}

fn is_number(name: &OsStr) -> bool {
    name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
}

fn holder(process: Option<&str>) -> String {
    process.map(|process| format!(" by {process}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
        0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 11 1 0 20 4 30 10 -1\n   \
        1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n";

    #[test]
    fn the_listener_is_told_from_its_connections() {
        assert_eq!(inode_of(TABLE, 8080), Some("4711"));
        assert_eq!(inode_of(TABLE, 8081), None);
    }

    #[test]
    fn a_taken_port_names_the_next_free_one() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = check_one(port, "--port").unwrap_err();
        assert!(matches!(error, Error::Taken { .. }), "{error}");
        assert!(error.fix().starts_with("mainstay dev --port "), "{}", error.fix());
        if cfg!(target_os = "linux") {
            let pid = format!("(pid {})", std::process::id());
            assert!(error.to_string().contains(&pid), "{error}");
        }
        assert!(check_one(0, "--port").is_ok());
    }
}
