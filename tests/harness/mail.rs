//! Letters: those that a stack has written, and a server that takes them.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use auth::operator::{Kept, Mailbox};
use database::Pool;
use platform::seal::MasterKey;
use serde_json::Value;
use uuid::Uuid;

use crate::{stack::Stack, tls::Paths, wait::eventually};

/// The name of the product in letters.
const PRODUCT: &str = "Mainstay";

const LIMIT: Duration = Duration::from_secs(30);
const MOST: i64 = 1000;

/// A real SMTP server, which ends with this.
#[derive(Debug)]
pub struct SmtpServer {
    child: Child,
    /// It ends when this closes.
    _stdin: Option<ChildStdin>,
    said: Arc<Mutex<Vec<Value>>>,
    /// Where it listens.
    pub port: u16,
}

// === impl Stack ===

impl Stack {
    /// What was written to an address and can be read, newest first. What has left
    /// cannot; in a mailbox it stays for a day.
    pub async fn kept_letters(&self, address: &str) -> Vec<Kept> {
        let pool = Pool::new(&self.databases.auth.url, 1).unwrap();
        let mailbox = Mailbox::new(pool, &self.master_key(), PRODUCT);
        mailbox.letters(Some(address), Uuid::nil(), MOST).await.unwrap()
    }

    /// Waits for a letter of a kind and returns the newest of them.
    pub async fn kept_letter(&self, address: &str, kind: &str) -> Kept {
        let what = format!("{address} gets a letter: {kind}");
        eventually(&what, LIMIT, async || {
            self.kept_letters(address).await.into_iter().find(|letter| letter.kind == kind)
        })
        .await
    }

    /// Puts a letter into the queue as auth does, with what is in it.
    pub async fn queue(&self, address: &str, kind: &str, mut contents: Value) -> Uuid {
        let id = Uuid::now_v7();
        contents["kind"] = kind.into();
        let sealer = self.master_key().sealer("auth letters");
        let sealed = sealer.seal(id.as_bytes(), contents.to_string().as_bytes());
        let sql = "WITH written AS (
                INSERT INTO letters (letter_id, recipient, kind, sealed, useful_until)
                VALUES ($1, $2, $3, $4, now() + interval '10 minutes') RETURNING 1
            ) SELECT pg_notify('letters', '') FROM written";
        self.databases.auth.rows(sql, &[&id, &address, &kind, &sealed]).await;
        id
    }

    /// Lets the pauses of letters be over that were not taken.
    pub async fn retry_letters(&self) {
        let auth = &self.databases.auth;
        let sql = "UPDATE letters SET due_at = now() WHERE state = 'waiting' AND failure <> ''";
        auth.execute(sql, &[]).await;
        auth.execute("NOTIFY letters", &[]).await;
    }

    fn master_key(&self) -> MasterKey {
        self.secret_key.parse().unwrap()
    }
}

// === impl SmtpServer ===

impl SmtpServer {
    /// Starts a server with the tools that `tests/mail/install` has put into a
    /// folder.
    pub fn start(tools: &Path, arguments: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/mail/server.py");
        let mut child = Command::new(tools.join("venv/bin/python"))
            .arg(script)
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().expect("the server starts").unwrap().parse().unwrap();
        let said = Arc::<Mutex<Vec<Value>>>::default();
        let told = Arc::clone(&said);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                told.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { _stdin: child.stdin.take(), child, said, port }
    }

    /// The same with TLS, and a password.
    pub fn start_secure(tools: &Path, security: &str, paths: &Paths, password: &str) -> Self {
        let [certificate, key] =
            [&paths.certificate, &paths.key].map(|path| path.to_str().unwrap());
        let tls = ["--security", security, "--certificate", certificate, "--key", key];
        Self::start(tools, &[&tls[..], &["--password", password]].concat())
    }

    /// The letters that it took, and what else it said.
    pub fn said(&self) -> Vec<Value> {
        self.said.lock().unwrap().clone()
    }

    /// The letters that it took for an address.
    pub fn taken(&self, address: &str) -> Vec<Value> {
        let mut said = self.said();
        said.retain(|letter| letter["to"] == serde_json::json!([address]));
        said
    }

    /// Waits for a letter to an address.
    pub async fn takes(&self, address: &str) -> Value {
        let what = format!("a letter to {address}");
        eventually(&what, LIMIT, async || self.taken(address).pop()).await
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
