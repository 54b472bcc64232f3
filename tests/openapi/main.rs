//! The API's documents, checked by those who read them: validators, a fuzzer, a
//! compiler and a browser; and signing in with a real provider. What they need comes from `PyPI` and npm.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which Clippy does not take for tests")]

mod sign_in;
mod tokens;

use std::{path::Path, process::Stdio, time::Duration};

use database::Pool;
use serde_json::Value;
use tests::{Person, Stack, program, within};
use tokio::{
    process::Command,
    sync::{Mutex, OnceCell},
};

/// Installing takes its time, once.
const INSTALL_LIMIT: Duration = Duration::from_mins(10);
const LIMIT: Duration = Duration::from_mins(5);
const TOOLS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/openapi");

fn here(name: &str) -> String {
    format!("{}/openapi/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn tool(name: &str) -> Command {
    Command::new(Path::new(TOOLS).join(name))
}

fn url(stack: &Stack) -> String {
    format!("http://localhost:{}", stack.gateway.listen.port())
}

/// Installs what the tests need, the first time.
async fn tools() {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let install = async || {
        let mut command = Command::new(here("install"));
        passes(command.arg(TOOLS), INSTALL_LIMIT).await;
    };
    INSTALLED.get_or_init(install).await;
}

/// Runs a command to its end, which must be a good one, and returns what it said.
/// Each takes all that a small machine has, and would keep the others from their answers.
async fn passes(command: &mut Command, limit: Duration) -> String {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    let _turn = ONE_AT_A_TIME.lock().await;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let what = format!("{command:?}");
    let output = within(&what, limit, command.output()).await.unwrap();
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let said = said.join("\n");
    assert!(output.status.success(), "{what}: {}\n{said}", output.status);
    said
}

#[tokio::test]
async fn the_document_is_valid_and_so_are_its_examples() {
    tools().await;
    let stack = Stack::start().await;
    let mut check = tool("venv/bin/python");
    passes(check.arg(here("check.py")).arg(url(&stack)), LIMIT).await;
}

#[tokio::test]
async fn no_answer_contradicts_the_document() {
    tools().await;
    let stack = Stack::whole().await;
    let admin = Person::admin(&stack, "admin").await;
    admin.publish("Something to find").await;
    let session = admin.grpc().sessions().create_session(admin.credentials()).await.unwrap();
    let token = session.into_inner().access_token.unwrap();
    // What it keeps for its next run lies beside its settings, and is not to be kept.
    let settings = Path::new(TOOLS).join("schemathesis.toml");
    std::fs::copy(here("schemathesis.toml"), &settings).unwrap();
    drop(std::fs::remove_dir_all(Path::new(TOOLS).join(".schemathesis")));
    let mut fuzz = tool("venv/bin/schemathesis");
    fuzz.arg("--config-file")
        .arg(settings)
        .arg("run")
        .arg(format!("{}/openapi.json", url(&stack)))
        .args(["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", "25", "--seed", "20", "--no-color"])
        // Its hooks are found beside its settings, its notes are left with the tools.
        .env("PYTHONPATH", here(""))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("MAINSTAY_TOKEN", token)
        .current_dir(TOOLS);
    let said = passes(&mut fuzz, LIMIT).await;
    assert!(said.contains("No issues found"), "{said}");
    for service in stack.services() {
        assert!(!service.log().contains("\"level\":\"ERROR\""), "{}", service.log());
    }
}

#[tokio::test]
async fn the_command_line_explains_what_the_gateway_does() {
    let stack = Stack::start().await;
    let stranger = Person::stranger(&stack);
    let served = stranger.rest().call("GET", "/docs/errors").header("accept", "application/json");
    let served = served.send().await.expect(200);
    let all = program::run(program::command(&["explain", "--json"])).await;
    let all: Vec<Value> = serde_json::from_str(&all.stdout).unwrap();
    assert!(all.len() > 30);
    for (told, served) in all.iter().zip(served.body["problems"].as_array().unwrap()) {
        for member in ["code", "status", "grpc", "title", "detail"] {
            assert_eq!(told[member], served[member]);
        }
    }
    let one = program::run(program::command(&["explain", "/problems/email-taken"])).await;
    assert_eq!((one.code, one.stderr.as_str()), (Some(0), ""));
    assert!(one.stdout.starts_with("EMAIL_TAKEN: "), "{one:?}");
    let near = program::run(program::command(&["explain", "emial_taken"])).await;
    assert_eq!((near.code, near.stdout.as_str()), (Some(2), ""));
    assert!(near.stderr.contains("did you mean EMAIL_TAKEN"), "{near:?}");
}

#[tokio::test]
async fn a_typed_client_compiles_and_runs() {
    tools().await;
    let stack = Stack::start().await;
    let mut types = Command::new(here("types"));
    let said = passes(types.arg(TOOLS).arg(url(&stack)), LIMIT).await;
    assert!(said.contains("the typed client compiles and runs"), "{said}");
}

#[tokio::test]
async fn the_documentation_works_in_a_browser() {
    tools().await;
    let stack = Stack::start().await;
    let pool = Pool::new(&stack.databases.auth.url, 1).unwrap();
    auth::operator::ensure_admin(&pool, "admin@example.com").await.unwrap();
    let token = auth::operator::sign_in_link(&pool, "admin@example.com").await.unwrap();
    let link = format!("{}/sign-in#token={token}", url(&stack));
    // Modules are looked for beside the script.
    std::fs::copy(here("browser.mjs"), Path::new(TOOLS).join("browser.mjs")).unwrap();
    let mut browse = Command::new("node");
    browse.args(["browser.mjs", &url(&stack), &link]).current_dir(TOOLS);
    browse.env("CHROMIUM", Path::new(TOOLS).join("chromium"));
    let said = passes(&mut browse, LIMIT).await;
    assert!(said.contains("nothing loaded from elsewhere"), "{said}");
}

#[tokio::test]
async fn a_browser_makes_a_passkey_and_signs_in_with_it() {
    tools().await;
    let stack = Stack::builder().set("auth", "MAINSTAY_PUBLIC_URL", "http://localhost");
    let stack = stack.start().await;
    std::fs::copy(here("passkey.mjs"), Path::new(TOOLS).join("passkey.mjs")).unwrap();
    let mut browse = Command::new("node");
    browse.args(["passkey.mjs", &url(&stack)]).current_dir(TOOLS);
    browse.env("CHROMIUM", Path::new(TOOLS).join("chromium"));
    let said = passes(&mut browse, LIMIT).await;
    assert!(said.contains("a passkey was made and signed in alone"), "{said}");
}
