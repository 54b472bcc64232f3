//! `mainstay dev`: one command, and everything runs; one signal, and nothing does.

use std::{
    fs::Permissions,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{
    Databases, Rest, eventually,
    program::{self, Ended, Signal, is_running},
    within,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    net::TcpListener,
    process::{Child, ChildStdout},
};

const ANY_PORTS: [&str; 6] = ["--port", "0", "--auth-port", "0", "--content-port", "0"];
const LIMIT: Duration = Duration::from_mins(1);

/// A running `mainstay dev`.
struct Dev {
    child: Child,
    stdout: BufReader<ChildStdout>,
    report: Value,
}

// === impl Dev ===

impl Dev {
    async fn start(arguments: &[&str]) -> Self {
        let arguments = [&["dev", "--json"], arguments, &ANY_PORTS].concat();
        let mut command = program::command_at_home(&arguments);
        let log = Stdio::null();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        within("everything is ready", LIMIT, stdout.read_line(&mut line)).await.unwrap();
        let report = serde_json::from_str(&line).expect("one line of JSON");
        Self { child, stdout, report }
    }

    fn text(&self, pointer: &str) -> String {
        let text = self.report.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no {pointer} in {}", self.report)).to_owned()
    }

    fn pid(&self, service: &str) -> u32 {
        let pid = self.report["pids"][service].as_u64();
        u32::try_from(pid.unwrap_or_else(|| panic!("no pid of {service}"))).unwrap()
    }

    fn rest(&self) -> Rest {
        Rest::new(address(&self.text("/gateway")))
    }

    fn everything(&self) -> Vec<u32> {
        ["postgres", "auth", "content", "gateway"].map(|name| self.pid(name)).into()
    }

    /// Sends a signal and waits for the end; nothing more may have been printed.
    async fn stop(mut self, signal: Signal) -> ExitStatus {
        program::signal(self.child.id().unwrap(), signal);
        let status = within("everything ends", LIMIT, self.child.wait()).await.unwrap();
        let mut more = String::new();
        self.stdout.read_to_string(&mut more).await.unwrap();
        assert_eq!(more, "", "one line on standard output and nothing else");
        status
    }
}

/// The address behind `http://localhost:8080`.
fn address(url: &str) -> SocketAddr {
    let rest = url.strip_prefix("http://localhost:").expect("a URL on localhost");
    let port = rest.split('/').next().unwrap().parse::<u16>().unwrap();
    SocketAddr::from(([127, 0, 0, 1], port))
}

async fn all_gone(pids: &[u32], folder: &Path) {
    eventually("every process is gone", LIMIT, async || {
        let left = pids.iter().filter(|pid| is_running(**pid)).count();
        (left == 0).then_some(())
    })
    .await;
    eventually("the folder is gone", LIMIT, async || (!folder.exists()).then_some(())).await;
}

#[tokio::test]
async fn one_command_runs_everything_and_leaves_nothing() {
    let dev = Dev::start(&["--ephemeral"]).await;
    let mut keys: Vec<_> = dev.report.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected =
        ["adminLink", "auth", "content", "dataDir", "demo", "gateway", "metrics", "pids"];
    assert_eq!(keys, expected);

    let rest = dev.rest();
    let (email, password) = (dev.text("/demo/email"), dev.text("/demo/password"));
    let credentials = json!({"email": email, "password": password});
    rest.post("/api/sessions", credentials).await.expect(201);
    rest.post("/api/users/me/posts", json!({"title": "Hello"})).await.expect(201);
    let posts = rest.get("/api/posts").await.expect(200);
    assert!(!posts.body["posts"].as_array().unwrap().is_empty(), "there is something to see");
    assert!(posts.header("server-timing").contains("db;desc=\"queries=1\""), "{posts:?}");
    for service in ["auth", "content", "gateway"] {
        let metrics = Rest::new(address(&dev.text(&format!("/metrics/{service}"))));
        metrics.get("/metrics").await.expect(200);
        assert!(is_running(dev.pid(service)));
    }
    for service in ["auth", "content"] {
        let hint = Rest::new(address(&dev.text(&format!("/{service}")))).get("/").await;
        assert!(hint.text.contains("gRPC"), "{hint:?}");
    }

    let link = dev.text("/adminLink");
    let (page, token) = link.split_once("#token=").expect("a token that no server sees");
    assert_eq!(page, format!("{}/sign-in", dev.text("/gateway")));
    rest.get("/sign-in").await.expect(200);
    let (admin, token) = (dev.rest(), json!({"token": token}));
    let signed_in = admin.post("/api/sign-in-links/redeem", token.clone()).await.expect(200);
    assert_eq!(signed_in.body["user"]["roles"], json!(["admin"]));
    admin.get("/api/users").await.expect(200);
    let again = dev.rest().post("/api/sign-in-links/redeem", token).await;
    again.refused(401, "SIGN_IN_LINK_INVALID");

    let (pids, folder) = (dev.everything(), PathBuf::from(dev.text("/dataDir")));
    assert!(folder.exists());
    assert_eq!(dev.stop(Signal::TERM).await.code(), Some(0));
    assert!(!pids.iter().any(|pid| is_running(*pid)), "{pids:?}");
    assert!(!folder.exists(), "{}", folder.display());
}

#[tokio::test]
async fn what_dies_is_started_again_on_the_same_port() {
    let dev = Dev::start(&["--ephemeral"]).await;
    let rest = dev.rest();
    let before = rest.get("/api/posts").await.expect(200).body;
    for victim in ["content", "auth", "gateway", "postgres"] {
        program::signal(dev.pid(victim), Signal::KILL);
        eventually("it is gone", LIMIT, async || (!is_running(dev.pid(victim))).then_some(()))
            .await;
        eventually("everything answers as before", LIMIT, async || {
            let answer = rest.call("GET", "/api/posts").try_send().await.ok()?;
            (answer.body == before).then_some(())
        })
        .await;
    }
    // State tells the new numbers; the old ones are gone.
    let folder = PathBuf::from(dev.text("/dataDir"));
    let state = std::fs::read_to_string(folder.join("state.json")).unwrap();
    let state: Value = serde_json::from_str(&state).unwrap();
    let pids = state["pids"].as_object().unwrap().values();
    let pids: Vec<_> = pids.map(|pid| u32::try_from(pid.as_u64().unwrap()).unwrap()).collect();
    assert!(pids.iter().all(|pid| is_running(*pid)), "{pids:?}");
    assert_eq!(dev.stop(Signal::INT).await.code(), Some(0));
    all_gone(&pids, &folder).await;
}

#[tokio::test]
async fn a_killed_stack_takes_everything_with_it() {
    let mut dev = Dev::start(&["--ephemeral", "--no-demo"]).await;
    assert_eq!(dev.report["demo"], Value::Null);
    let (pids, folder) = (dev.everything(), PathBuf::from(dev.text("/dataDir")));
    dev.child.kill().await.unwrap();
    all_gone(&pids, &folder).await;
}

#[tokio::test]
async fn data_stays_and_has_one_owner_at_a_time() {
    let parent = open_folder();
    let data = parent.path().join("data");
    let data = data.to_str().unwrap();
    let dev = Dev::start(&["--data", data]).await;
    let credentials =
        json!({"email": dev.text("/demo/email"), "password": dev.text("/demo/password")});
    let rest = dev.rest();
    rest.post("/api/sessions", credentials).await.expect(201);
    let post = json!({"title": "Kept"});
    let id = rest.post("/api/users/me/posts", post).await.expect(201).text_at("/id");

    let second = program::command_at_home(&[&["dev", "--data", data][..], &ANY_PORTS].concat());
    let second = program::run(second).await;
    assert!(!matches!(second.code, None | Some(0)), "{second:?}");
    assert!(second.stderr.contains("in use"), "{second:?}");
    let mut pids = dev.everything();
    assert_eq!(dev.stop(Signal::INT).await.code(), Some(0));

    let dev = Dev::start(&["--data", data]).await;
    let again = dev.rest();
    // The session outlives the restart, and so does the key of its token.
    for name in ["__Host-access", "__Host-session"] {
        again.set_cookie(name, rest.cookie(name).as_deref());
    }
    assert_eq!(again.get(&format!("/api/posts/{id}")).await.expect(200).body["title"], "Kept");
    pids.extend(dev.everything());
    assert_eq!(dev.stop(Signal::TERM).await.code(), Some(0));
    assert!(!pids.iter().any(|pid| is_running(*pid)), "{pids:?}");
}

#[tokio::test]
async fn a_running_stack_is_looked_after() {
    let parent = open_folder();
    let data = parent.path().join("data");
    let data = data.to_str().unwrap();
    let dev = Dev::start(&["--data", data, "--no-demo"]).await;
    let link = program::run(program::command_at_home(&["admin", "link", "--data", data])).await;
    assert_eq!(link.code, Some(0), "{link:?}");
    let (_, token) = link.stdout.trim().split_once("#token=").unwrap();
    let body = json!({"token": token});
    dev.rest().post("/api/sign-in-links/redeem", body).await.expect(200);
    let doctor = ["doctor", "--json", "--data", data];
    let healthy = program::run(program::command_at_home(&doctor)).await;
    assert_eq!(healthy.code, Some(0), "{healthy:?}");
    let findings: Value = serde_json::from_str(&healthy.stdout).unwrap();
    let verdict = |name: &str| {
        let mut findings = findings.as_array().unwrap().iter();
        findings.find(|finding| finding["check"] == name).map(|it| it["verdict"].clone())
    };
    for service in ["auth", "content", "gateway"] {
        assert_eq!(verdict(service), Some(json!("passed")), "{findings}");
    }
    assert_eq!(dev.stop(Signal::TERM).await.code(), Some(0));
    let link = program::run(program::command_at_home(&["admin", "link", "--data", data])).await;
    assert_eq!((link.code, link.stdout.as_str()), (Some(69), ""), "{link:?}");
    assert!(link.stderr.contains("no stack runs"), "{link:?}");
}

#[tokio::test]
async fn migrating_twice_does_nothing_the_second_time() {
    let databases = Databases::create().await;
    let mut command = program::command(&["migrate"]);
    command
        .env("AUTH_DATABASE_URL", &databases.auth.url)
        .env("CONTENT_DATABASE_URL", &databases.content.url);
    let ended = program::run(command).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, "auth: up to date\ncontent: up to date\n", "{ended:?}");
    let ended = program::run(program::command(&["migrate"])).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""), "{ended:?}");
}

/// A folder that whoever runs `PostgreSQL` can enter.
fn open_folder() -> TempDir {
    let mut builder = tempfile::Builder::new();
    builder.permissions(Permissions::from_mode(0o711)).tempdir().unwrap()
}

async fn dev(arguments: &[&str]) -> Ended {
    program::run(program::command_at_home(&[&["dev"], arguments].concat())).await
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_way_around_it() {
    let held = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = held.local_addr().unwrap().port().to_string();
    for flag in ["--port", "--auth-port", "--content-port"] {
        let free = ANY_PORTS.chunks(2).filter(|pair| pair[0] != flag).flatten().copied();
        let arguments: Vec<_> =
            ["--json", "--ephemeral", flag, &port].into_iter().chain(free).collect();
        let ended = dev(&arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(69), ""), "{ended:?}");
        assert!(ended.stderr.contains(&format!("port {port} is taken")), "{ended:?}");
        assert!(ended.stderr.contains(&format!("fix: mainstay dev {flag} ")), "{ended:?}");
    }
}

#[tokio::test]
async fn slips_of_the_keyboard_are_put_right() {
    let ended = dev(&["--prot", "1"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    assert!(ended.stderr.contains("--port"), "{ended:?}");
    let ended = program::run(program::command(&["--version"])).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.starts_with("mainstay "), "{ended:?}");
    let ended = program::run(program::command(&["--help"])).await;
    let commands = ["dev", "auth", "content", "gateway", "migrate", "doctor"];
    assert!(commands.iter().all(|name| ended.stdout.contains(name)), "{ended:?}");
    let ended = dev(&[&["--pg", "/nonexistent", "--ephemeral"][..], &ANY_PORTS].concat()).await;
    assert!(!matches!(ended.code, None | Some(0)), "{ended:?}");
    assert!(ended.stderr.contains("/nonexistent"), "{ended:?}");
}
