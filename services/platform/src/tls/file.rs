//! The PEM files that settings name, and what can be wrong with them.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::config::Reader;

/// Far more than any chain of certificates.
const LARGEST: u64 = 1024 * 1024;

/// A PEM file, by the setting that names it.
#[derive(Clone, Debug)]
pub(super) struct File {
    setting: &'static str,
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Public,
    Secret,
    /// A secret that is not there yet.
    SecretToCome,
}

/// What a file holds; nothing if it is yet to come.
pub(super) struct Pem {
    file: File,
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) is_readable_by_all: bool,
}

/// What is wrong with a file, for the person who set it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {text}")]
pub(super) struct Problem {
    setting: &'static str,
    text: String,
}

// === impl Problem ===

impl Problem {
    pub(super) fn new(setting: &'static str, text: impl Into<String>) -> Self {
        Self { setting, text: text.into() }
    }
}

// === impl File ===

impl File {
    /// The file that a setting names, if it is set.
    pub(super) fn optional(reader: &mut Reader, setting: &'static str) -> Option<Self> {
        let path = reader.optional(setting)?;
        Some(Self { setting, path, kind: Kind::Public })
    }

    /// The same for a file that nobody else should be able to read.
    pub(super) fn optional_secret(reader: &mut Reader, setting: &'static str) -> Option<Self> {
        Some(Self { kind: Kind::Secret, ..Self::optional(reader, setting)? })
    }

    /// A file that we keep ourselves, and that need not be there yet.
    pub(super) fn of_ours(setting: &'static str, path: PathBuf) -> Self {
        Self { setting, path, kind: Kind::SecretToCome }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn problem(&self, text: impl Into<String>) -> Problem {
        Problem::new(self.setting, text)
    }

    pub(super) fn read(&self) -> Result<Pem, Problem> {
        let pem = |bytes, is_readable_by_all| Pem { file: self.clone(), bytes, is_readable_by_all };
        match self.bytes() {
            Ok((bytes, mode)) => {
                Ok(pem(Some(bytes), self.kind != Kind::Public && mode & 0o004 != 0))
            }
            Err(error)
                if self.kind == Kind::SecretToCome && error.kind() == io::ErrorKind::NotFound =>
            {
                Ok(pem(None, false))
            }
            Err(error) => {
                Err(self.problem(format!("cannot read {}: {error}", self.path.display())))
            }
        }
    }

    fn bytes(&self) -> io::Result<(Vec<u8>, u32)> {
        let metadata = fs::metadata(&self.path)?;
        if metadata.len() > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok((fs::read(&self.path)?, metadata.permissions().mode()))
    }
}

// === impl Pem ===

impl Pem {
    pub(super) fn problem(&self, text: impl Into<String>) -> Problem {
        self.file.problem(text)
    }

    pub(super) fn shown(&self) -> std::path::Display<'_> {
        self.file.path.display()
    }

    /// The certificates, of which there is at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Problem> {
        let found = CertificateDer::pem_slice_iter(self.bytes.as_deref().unwrap_or_default());
        let found: Result<Vec<_>, _> = found.collect();
        match found {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            Ok(_) => {
                Err(self.problem(format!("{} holds no certificate in PEM form", self.shown())))
            }
            Err(error) => Err(self.problem(format!("{} is damaged: {error}", self.shown()))),
        }
    }

    /// The first private key.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, Problem> {
        let found = PrivateKeyDer::from_pem_slice(self.bytes.as_deref().unwrap_or_default());
        found.map_err(|_absent| {
            self.problem(format!("{} holds no unencrypted private key in PEM form", self.shown()))
        })
    }

    /// The certificates as authorities that are trusted.
    pub(super) fn roots(&self) -> Result<RootCertStore, Problem> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|error| {
                self.problem(format!("{} holds what is no authority: {error}", self.shown()))
            })?;
        }
        Ok(roots)
    }
}

impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pem").field("file", &self.file).finish_non_exhaustive()
    }
}
