//! Files that are read again when they change, so that certificates can be
//! replaced while everything goes on.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use opentelemetry::KeyValue;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, watch},
    time::sleep,
};

use super::{
    file::{File, Pem, Problem},
    identity::Validity,
};
use crate::{
    server::{blocking, spawn},
    telemetry::{TLS_CERTIFICATE_EXPIRES_AT, TLS_CERTIFICATE_ROLE},
};

/// Contents are compared, not times: they tell of every change, and some KiB are
/// nothing to read.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

type Make<T> = Arc<dyn Fn(&[Pem]) -> Result<Made<T>, Problem> + Send + Sync>;

/// What some files mean, and how to find out again.
pub(super) struct Files<T> {
    role: &'static str,
    files: Vec<File>,
    make: Make<T>,
    first: Read<T>,
}

/// What was made of the files.
pub(super) struct Made<T> {
    pub(super) value: Arc<T>,
    pub(super) validity: Option<Validity>,
}

struct Read<T> {
    made: Made<T>,
    seen: Vec<u8>,
    is_exposed: bool,
}

// === impl Files ===

impl<T: Send + Sync + 'static> Files<T> {
    /// Reads files for the first time.
    pub(super) fn read(
        role: &'static str,
        files: Vec<File>,
        make: impl Fn(&[Pem]) -> Result<Made<T>, Problem> + Send + Sync + 'static,
    ) -> Result<Self, Problem> {
        let make: Make<T> = Arc::new(make);
        let first = look(&files, &make).1?;
        Ok(Self { role, files, make, first })
    }

    /// What a person should know about them, beside that they are in use.
    pub(super) fn warnings(&self) -> Vec<&'static str> {
        self.first.warnings()
    }

    /// Until when the certificate is good, if there is one.
    pub(super) fn valid_until(&self) -> Option<Timestamp> {
        self.first.made.validity.and_then(Validity::end)
    }

    /// Keeps reading them: when told to, on SIGHUP, and every few seconds.
    ///
    /// What is broken is logged and changes nothing. Ends with the last receiver.
    pub(super) fn follow(&self, nudge: Arc<Notify>) -> watch::Receiver<Arc<T>> {
        let (current, receiver) = watch::channel(Arc::clone(&self.first.made.value));
        let follower = Follower {
            files: self.clone(),
            told: self.first.seen.clone(),
            refused: Vec::new(),
            current,
            nudge,
            hangup: signal(SignalKind::hangup()).ok(),
        };
        follower.announce(&self.first);
        drop(spawn(follower.run()));
        receiver
    }
}

impl<T> Clone for Files<T> {
    fn clone(&self) -> Self {
        Self {
            role: self.role,
            files: self.files.clone(),
            make: Arc::clone(&self.make),
            first: self.first.clone(),
        }
    }
}

impl<T> Clone for Read<T> {
    fn clone(&self) -> Self {
        let Made { value, validity } = &self.made;
        let made = Made { value: Arc::clone(value), validity: *validity };
        Self { made, seen: self.seen.clone(), is_exposed: self.is_exposed }
    }
}

impl<T> std::fmt::Debug for Files<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("files", &self.files).finish_non_exhaustive()
    }
}

struct Follower<T> {
    files: Files<T>,
    /// A digest of the files as they are in use.
    told: Vec<u8>,
    /// A digest of files that are of no use. Those who write a certificate and then
    /// a key leave such files for a moment, so only those that stay are reported.
    refused: Vec<u8>,
    current: watch::Sender<Arc<T>>,
    nudge: Arc<Notify>,
    hangup: Option<Signal>,
}

// === impl Follower ===

impl<T: Send + Sync + 'static> Follower<T> {
    async fn run(mut self) {
        let mut is_reported = false;
        while self.wait().await {
            let (files, make) = (self.files.files.clone(), Arc::clone(&self.files.make));
            let Ok((seen, read)) = blocking(move || look(&files, &make)).await else { continue };
            if seen == self.told {
                self.refused.clear();
                continue;
            }
            match read {
                Ok(read) => {
                    self.announce(&read);
                    self.told = seen;
                    self.current.send_replace(read.made.value);
                }
                Err(_) if seen != self.refused => {
                    self.refused = seen;
                    is_reported = false;
                }
                Err(problem) if !is_reported => {
                    is_reported = true;
                    tracing::warn!(%problem, "what changed is of no use, and what was there before is used");
                }
                Err(_) => {}
            }
        }
    }

    /// Waits until it is time to look, or for the end.
    async fn wait(&mut self) -> bool {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.current.closed() => return false,
            () = sleep(BETWEEN_LOOKS) => {}
            () = self.nudge.notified() => {}
            _ = hangup => {}
        }
        true
    }

    fn announce(&self, read: &Read<T>) {
        let role = self.files.role;
        for warning in read.warnings() {
            tracing::warn!(role, "{warning}");
        }
        let Some(validity) = read.made.validity else { return };
        if let Some(until) = validity.end() {
            tracing::info!(role, %until, "using a certificate that is valid until {until}");
        }
        let meter = opentelemetry::global::meter("mainstay");
        let expires_at = meter.i64_gauge(TLS_CERTIFICATE_EXPIRES_AT).with_unit("s").build();
        expires_at.record(validity.until, &[KeyValue::new(TLS_CERTIFICATE_ROLE, role)]);
    }
}

// === impl Read ===

impl<T> Read<T> {
    fn warnings(&self) -> Vec<&'static str> {
        let exposed = "everybody on this machine can read the private key";
        let of_time = self.made.validity.and_then(|validity| validity.warning(Timestamp::now()));
        self.is_exposed.then_some(exposed).into_iter().chain(of_time).collect()
    }
}

/// Reads files, and says in any case what was seen.
fn look<T>(files: &[File], make: &Make<T>) -> (Vec<u8>, Result<Read<T>, Problem>) {
    let pems: Result<Vec<_>, _> = files.iter().map(File::read).collect();
    let pems = match pems {
        Ok(pems) => pems,
        Err(problem) => return (problem.to_string().into_bytes(), Err(problem)),
    };
    let digests = pems.iter().map(|pem| match &pem.bytes {
        Some(bytes) => digest(&SHA256, bytes).as_ref().to_vec(),
        None => vec![0],
    });
    let seen: Vec<u8> = digests.flatten().collect();
    let is_exposed = pems.iter().any(|pem| pem.is_readable_by_all);
    let read = make(&pems).map(|made| Read { made, seen: seen.clone(), is_exposed });
    (seen, read)
}
