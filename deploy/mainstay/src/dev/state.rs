//! What other commands must know of a running stack, in a file of its folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{folder, terminal};
use crate::service::Service;

/// Where a running stack is reached.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// The address of the gateway.
    pub gateway: String,
    /// The address of the auth service.
    pub auth: String,
    /// The address of the content service.
    pub content: String,
    /// The addresses of their metrics.
    pub metrics: Metrics,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The numbers of the processes.
    pub pids: Pids,
}

/// Where each service shows its metrics.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Metrics {
    pub auth: String,
    pub content: String,
    pub gateway: String,
}

/// The number of each process.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Pids {
    pub postgres: u32,
    pub auth: u32,
    pub content: u32,
    pub gateway: u32,
}

/// The content of the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Where the stack is reached.
    #[serde(flatten)]
    pub running: Running,
    /// The number of the process that looks after the others.
    pub supervisor: u32,
    /// The folder of PostgreSQL's socket.
    pub socket: PathBuf,
}

/// Keeps the file true while the stack runs, and removes it at the end.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    state: Mutex<State>,
}

// === impl Pids ===

impl Pids {
    /// Changes the number of a service.
    pub fn set(&mut self, service: Service, pid: u32) {
        match service {
            Service::Auth => self.auth = pid,
            Service::Content => self.content = pid,
            Service::Gateway => self.gateway = pid,
        }
    }
}

// === impl State ===

impl State {
    /// Whether the stack still runs, rather than having been killed.
    pub fn is_current(&self) -> bool {
        folder::in_use(&self.running.data_dir).is_some_and(|error| error.is_in_use())
    }
}

// === impl StateFile ===

impl StateFile {
    /// Writes the file.
    pub fn create(folder: &Path, state: State) -> io::Result<Self> {
        let file = Self { path: path(folder), state: Mutex::new(state) };
        file.write()?;
        Ok(file)
    }

    /// What the file says.
    pub fn get(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what the file says.
    pub fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        if let Err(error) = self.write() {
            terminal::note(&format!("{} cannot be written: {error}", self.path.display()));
        }
    }

    /// A reader sees the old or the new text, never half of one.
    fn write(&self) -> io::Result<()> {
        let partial = self.path.with_extension("partial");
        fs::write(&partial, serde_json::to_vec_pretty(&self.get())?)?;
        fs::rename(&partial, &self.path)
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            terminal::note(&format!("{} cannot be removed: {error}", self.path.display()));
        }
    }
}

/// Reads what the last stack on a folder wrote. It is there still if that one
/// runs or was killed.
pub fn read(folder: &Path) -> Option<State> {
    serde_json::from_slice(&fs::read(path(folder)).ok()?).ok()
}

fn path(folder: &Path) -> PathBuf {
    folder.join("state.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_true_while_the_stack_runs_and_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::create(folder.path(), State::default()).unwrap();
        file.update(|state| state.running.pids.auth = 7);
        assert_eq!(read(folder.path()).unwrap().running.pids.auth, 7);
        drop(file);
        assert!(read(folder.path()).is_none());
    }
}
