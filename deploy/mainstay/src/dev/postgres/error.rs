//! Why `PostgreSQL` cannot be had, and what to do about it.

use std::{io, path::PathBuf};

use rustix::process::Pid;

use super::{binaries::Binaries, fetch};

/// Why `PostgreSQL` cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither installed nor fetched.
    #[error("no PostgreSQL found on this machine, and none could be fetched ({0})")]
    Missing(#[from] fetch::Error),
    /// The chosen folder is of no use.
    #[error("{0} holds no `postgres` and `initdb` that run here")]
    NotThere(PathBuf),
    /// The data belongs to another major version.
    #[error("{folder} was written by PostgreSQL {written_by}, but only {} is here", list(.found))]
    OtherVersion {
        /// The folder of the data.
        folder: PathBuf,
        /// The major version that wrote it.
        written_by: String,
        /// What could be used instead.
        found: Vec<Binaries>,
    },
    /// A file or folder cannot be used.
    #[error("{path} cannot be used: {cause}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// `initdb` failed.
    #[error("PostgreSQL could not make a new database in {folder}: {said}")]
    Init {
        /// The folder of the data.
        folder: PathBuf,
        /// The last thing `initdb` said.
        said: String,
    },
    /// The server ended or hung while it started.
    #[error("PostgreSQL did not start: {said}\n  its log: {log}")]
    Start {
        /// The last thing it said.
        said: String,
        /// Where it said more.
        log: PathBuf,
    },
    /// Somebody else has started a server on the data.
    #[error("a PostgreSQL server that mainstay did not start runs on {data} (pid {pid})")]
    Foreign {
        /// The folder of the data.
        data: PathBuf,
        /// The first process of the server.
        pid: Pid,
    },
    /// A process may be a server on the data, or not.
    #[error("{file} names pid {pid}, which may be a PostgreSQL server on this data")]
    InDoubt {
        /// What a server wrote.
        file: PathBuf,
        /// The process.
        pid: Pid,
    },
    /// The data folder is a copy of one whose data is outside.
    #[error("{link} is a copy: {data}, which it links to, is the data of {owner}")]
    Copied {
        /// The link in the copy.
        link: PathBuf,
        /// What it leads to.
        data: PathBuf,
        /// The link in the original.
        owner: PathBuf,
    },
    /// A role or database could not be made.
    #[error("PostgreSQL refused to make a role or database: {0}")]
    Provision(#[from] tokio_postgres::Error),
}

// === impl Error ===

impl Error {
    /// What the user can do.
    pub fn fix(&self) -> Option<String> {
        let install = "apt install postgresql   (or: brew install postgresql)";
        match self {
            Self::Missing(_) => {
                Some(format!("{install}\n       or: mainstay dev --pg DIR, its `bin` folder"))
            }
            Self::NotThere(_) => Some("mainstay dev --pg DIR, a folder with both".to_owned()),
            Self::OtherVersion { written_by, .. } => Some(format!(
                "apt install postgresql-{written_by}   (or: brew install postgresql@{written_by})\n       \
                 or: mainstay dev --data .mainstay-new, to begin anew and keep the old data"
            )),
            Self::Folder { .. } => Some("mainstay dev --data DIR, one you can write to".to_owned()),
            Self::Init { .. } | Self::Start { .. } => Some("mainstay doctor".to_owned()),
            Self::Foreign { pid, .. } => Some(format!("kill -INT {pid}, which stops it")),
            Self::InDoubt { file, pid } => Some(format!(
                "kill -INT {pid}, if it is one\n       or: rm {}, if it is not",
                file.display()
            )),
            Self::Copied { link, data, .. } => {
                let (link, data) = (link.display(), data.display());
                Some(format!(
                    "rm {link}, to begin anew\n       \
                     or, while the other is stopped: cp -a {data} {data}-copy && ln -sfn {data}-copy {link}"
                ))
            }
            Self::Provision(_) => None,
        }
    }

    /// The exit code that says it to scripts (`sysexits.h`).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Missing(_)
            | Self::NotThere(_)
            | Self::Init { .. }
            | Self::Start { .. }
            | Self::Provision(_) => 69,
            Self::Foreign { .. } | Self::InDoubt { .. } => 75,
            Self::OtherVersion { .. } | Self::Copied { .. } => 78,
            Self::Folder { .. } => 73,
        }
    }
}

fn list(found: &[Binaries]) -> String {
    if found.is_empty() {
        return "none".to_owned();
    }
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
