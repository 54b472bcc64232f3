//! What users can ask of those who keep data about them: all of it, and to be
//! forgotten.

mod archive;
mod broken;
mod erasing;
mod many;
mod tables;

use std::{collections::BTreeMap, process::Stdio};

use proto::{auth::v1::ExportUserRequest, google::api::HttpBody};
use serde_json::Value;
use tests::{Grpc, Person, Rest};
use tokio::{io::AsyncWriteExt as _, process::Command};
use tonic::{Response, Status, Streaming};

const EXPORT: &str = "/api/users/me/export";

/// An archive as Python's own reader sees it.
struct Archive(BTreeMap<String, String>);

// === impl Archive ===

impl Archive {
    /// Reads one; none if it is none, or not whole.
    async fn read(bytes: &[u8]) -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/privacy/unpack.py");
        let mut python = Command::new("python3");
        python.args(["-I", "-B", script]).kill_on_drop(true);
        python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut python = python.spawn().expect("python3: apt install python3");
        let mut input = python.stdin.take().unwrap();
        let give = async {
            // It may have seen enough.
            drop(input.write_all(bytes).await);
            drop(input);
        };
        let (output, ()) = futures_util::future::join(python.wait_with_output(), give).await;
        let output = output.unwrap();
        output.status.success().then(|| Self(serde_json::from_slice(&output.stdout).unwrap()))
    }

    async fn of(rest: &Rest) -> Self {
        let answer = rest.get(EXPORT).await.expect(200);
        Self::read(&answer.bytes).await.expect("a whole archive")
    }

    /// What is in a file of one object or of a list.
    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.0[name]).unwrap()
    }

    /// What is in a file with an object per line.
    fn lines(&self, name: &str) -> Vec<Value> {
        self.0[name].lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How many records the manifest says that a file has.
    fn told(&self, name: &str) -> u64 {
        let manifest = self.json("manifest.json");
        let files = manifest["files"].as_array().unwrap();
        files.iter().find(|file| file["name"] == name).unwrap()["records"].as_u64().unwrap()
    }
}

type Pieces = Result<Response<Streaming<HttpBody>>, Status>;

/// Asks the service itself.
async fn export(grpc: &Grpc, user_id: &str) -> Pieces {
    grpc.privacy().export_user(ExportUserRequest { user_id: user_id.to_owned() }).await
}

/// Whoever holds the cookies of a person's browser, at the service itself.
fn direct(person: &Person) -> Grpc {
    person.grpc().with_token(&person.rest().cookie("__Host-access").unwrap())
}
