//! Letters leave by a real server, once if all is well and never less than that.

use std::{path::Path, process::Stdio, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Builder, Service, SmtpServer, Stack, eventually, metrics, tls::Authority};
use tokio::{process::Command, sync::OnceCell};
use uuid::Uuid;

mod ways;

const TOOLS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/mail");
const LIMIT: Duration = Duration::from_mins(1);
const FROM: &str = "Mainstay <no-reply@mainstay.test>";

/// Where the tools of these tests are, once they are installed.
async fn tools() -> &'static Path {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let install = async || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/mail/install");
        let installed = Command::new(script).arg(TOOLS).stdin(Stdio::null()).status().await;
        assert!(installed.unwrap().success(), "{script} {TOOLS}");
    };
    INSTALLED.get_or_init(install).await;
    Path::new(TOOLS)
}

/// A stack whose letters leave by a URL.
fn sending(url: &str) -> Builder {
    let builder = Stack::builder().set("auth", "MAINSTAY_MAIL_URL", url);
    builder.set("auth", "MAINSTAY_MAIL_FROM", FROM)
}

fn code() -> Value {
    let link = "https://mainstay.test/reset#token=abc";
    json!({"code": "12345678", "link": link, "minutes": 10})
}

/// What the database says of a letter: state, tries, failure and whether its
/// content is there.
async fn row(stack: &Stack, id: Uuid) -> (String, i32, String, bool) {
    let sql =
        "SELECT state, attempts, failure, sealed IS NOT NULL FROM letters WHERE letter_id = $1";
    let rows = stack.databases.auth.rows(sql, &[&id]).await;
    (rows[0].get(0), rows[0].get(1), rows[0].get(2), rows[0].get(3))
}

async fn settled(stack: &Stack, id: Uuid) -> (String, i32, String, bool) {
    eventually("the letter is settled", LIMIT, async || {
        let row = row(stack, id).await;
        (row.0 != "waiting").then_some(row)
    })
    .await
}

/// Waits until a letter was tried and is to be tried again.
async fn put_back(stack: &Stack, id: Uuid, attempts: i32) -> String {
    eventually("the letter is put back", LIMIT, async || {
        let (state, tried, failure, _) = row(stack, id).await;
        (state == "waiting" && tried == attempts && !failure.is_empty()).then_some(failure)
    })
    .await
}

#[tokio::test]
async fn a_letter_is_whole_and_what_was_in_it_is_forgotten_when_it_is_sent() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let paths = authority.issue().write(folder.path(), "mail");
    let ca = folder.path().join("ca.crt");
    std::fs::write(&ca, authority.pem()).unwrap();
    for security in ["starttls", "tls"] {
        let server = SmtpServer::start_secure(tools().await, security, &paths, "p@ss/word");
        let (scheme, port) = (if security == "tls" { "smtps" } else { "smtp" }, server.port);
        let url = format!("{scheme}://mainstay:p%40ss%2Fword@localhost:{port}?tls=required");
        let builder = sending(&url).set("auth", "MAINSTAY_MAIL_CA", ca.to_str().unwrap());
        let stack = builder.start().await;
        let id = stack.queue("ann@example.com", "password_reset", code()).await;
        let letter = server.takes("ann@example.com").await;

        assert_eq!(letter["isSecure"], true, "{security}");
        assert_eq!(letter["isAuthenticated"], true, "{security}");
        assert_eq!(letter["hello"], "mainstay.test", "no machine is named");
        assert_eq!(letter["type"], "multipart/alternative");
        assert_eq!(letter["parts"], json!(["text/plain", "text/html"]));
        let headers = &letter["headers"];
        assert_eq!(headers["From"], FROM);
        assert_eq!(headers["Subject"], "Choose a new password");
        assert_eq!(headers["Auto-Submitted"], "auto-generated");
        assert_eq!(headers["Message-ID"], format!("<{id}@mainstay.test>"));
        assert!(headers["Date"].is_string());
        for part in ["text", "html"] {
            let text = letter[part].as_str().unwrap();
            assert!(text.contains("12345678") && text.contains("/reset#token=abc"), "{text}");
        }
        assert_eq!(settled(&stack, id).await, ("sent".to_owned(), 1, String::new(), false));
        let counted = async || {
            let sent = metrics(&stack.auth).await.sum("auth_letters_tried_total", "sent");
            (sent >= 1.0).then_some(())
        };
        eventually("it is counted", LIMIT, counted).await;
        assert!(!stack.logs().contains("p@ss") && !stack.logs().contains("12345678"));
    }
}

#[tokio::test]
async fn a_letter_that_is_not_taken_is_tried_again_unless_that_is_of_no_use() {
    let server = SmtpServer::start(tools().await, &[]);
    let stack = sending(&format!("smtp://localhost:{}", server.port)).start().await;
    let queue = async |address: &str| stack.queue(address, "password_changed", json!({})).await;
    let never = queue("never@example.com").await;
    let later = queue("later@example.com").await;
    let drop = queue("drop@example.com").await;
    let hang = queue("hang@example.com").await;

    let (state, attempts, failure, has_content) = settled(&stack, never).await;
    assert_eq!((state.as_str(), attempts, failure.as_str()), ("dead", 1, "smtp 550"));
    assert!(!has_content, "what nobody gets is not kept");
    assert_eq!(put_back(&stack, later, 1).await, "smtp 451");
    assert_eq!(put_back(&stack, drop, 1).await, "connection");
    assert_eq!(put_back(&stack, hang, 1).await, "timeout");
    let others = queue("ann@example.com").await;
    assert_eq!(settled(&stack, others).await.0, "sent", "nobody waits for those");

    stack.retry_letters().await;
    assert_eq!(settled(&stack, drop).await.1, 2);
    assert_eq!(settled(&stack, hang).await.1, 2);
    let taken = async || {
        stack.retry_letters().await;
        (row(&stack, later).await.0 == "sent").then_some(())
    };
    eventually("it is taken the third time", LIMIT, taken).await;
    assert_eq!(settled(&stack, later).await, ("sent".to_owned(), 3, String::new(), false));
    for (name, id) in [("later", later), ("drop", drop), ("hang", hang)] {
        let taken = server.taken(&format!("{name}@example.com"));
        let ids: Vec<_> = taken.iter().map(|letter| &letter["headers"]["Message-ID"]).collect();
        assert_eq!(ids, [&json!(format!("<{id}@mainstay.test>"))]);
    }
    assert!(server.taken("never@example.com").is_empty());
}

#[tokio::test]
async fn a_server_that_cannot_be_trusted_or_trusts_us_not_gets_and_loses_nothing() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let paths = authority.issue().write(folder.path(), "mail");
    let ca = folder.path().join("ca.crt");
    std::fs::write(&ca, authority.pem()).unwrap();
    let (secure, plain) = (
        SmtpServer::start_secure(tools().await, "starttls", &paths, "right"),
        SmtpServer::start(tools().await, &[]),
    );
    let (to_secure, to_plain) = (secure.port, plain.port);
    let cases = [
        // Nobody vouches for the server.
        (format!("smtp://ann:right@localhost:{to_secure}?tls=required"), false),
        // The password is wrong, which is no fault of the letter's.
        (format!("smtp://ann:wrong@localhost:{to_secure}?tls=required"), true),
        // The server, or somebody before it, does without TLS.
        (format!("smtp://localhost:{to_plain}?tls=required"), true),
    ];
    join_all(cases.map(async |(url, is_vouched_for)| {
        let mut builder = sending(&url);
        if is_vouched_for {
            builder = builder.set("auth", "MAINSTAY_MAIL_CA", ca.to_str().unwrap());
        }
        let stack = builder.start().await;
        let id = stack.queue("ann@example.com", "password_reset", code()).await;
        put_back(&stack, id, 1).await;
        assert!(row(&stack, id).await.3, "it can be sent when the mistake is found");
    }))
    .await;
    assert!(secure.said().is_empty() && plain.said().is_empty());
}

#[tokio::test]
async fn a_code_that_has_expired_is_not_sent() {
    let server = SmtpServer::start(tools().await, &[]);
    let mut stack = sending(&format!("smtp://localhost:{}", server.port)).start().await;
    stack.auth.kill();
    let id = stack.queue("ann@example.com", "password_reset", code()).await;
    let sql = "UPDATE letters SET useful_until = now() WHERE letter_id = $1";
    stack.databases.auth.execute(sql, &[&id]).await;
    stack.auth.start_again().await;
    let expected = ("dead".to_owned(), 1, "too late".to_owned(), false);
    assert_eq!(settled(&stack, id).await, expected);
    assert!(server.said().is_empty());
}

/// Another process of auth on the same database.
async fn another(stack: &Stack, url: &str, logs: &Path) -> Service {
    let settings = [
        ("DATABASE_URL", stack.databases.auth.url.as_str()),
        ("MAINSTAY_SECRET_KEY", &stack.secret_key),
        ("MAINSTAY_ISSUER", tests::ISSUER),
        ("MAINSTAY_LISTEN", "localhost:0"),
        ("MAINSTAY_ADMIN_LISTEN", "localhost:0"),
        ("MAINSTAY_STOP_ON_STDIN_CLOSE", "true"),
        ("MAINSTAY_MAIL_URL", url),
        ("MAINSTAY_MAIL_FROM", FROM),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Service::start("auth", settings.into(), logs).await
}

#[tokio::test]
async fn two_processes_send_each_letter_once_and_what_one_leaves_the_other_sends() {
    let (server, logs) = (SmtpServer::start(tools().await, &[]), TempDir::new().unwrap());
    let url = format!("smtp://localhost:{}", server.port);
    let mut stack = sending(&url).start().await;
    let mut second = another(&stack, &url, logs.path()).await;
    let names: Vec<_> = (0..40).map(|number| format!("user-{number}@example.com")).collect();
    for name in &names {
        stack.queue(name, "password_changed", json!({})).await;
    }
    join_all(names.iter().map(|name| server.takes(name))).await;
    let all_sent = async || {
        let sql = "SELECT FROM letters WHERE state = 'sent' AND attempts = 1";
        (stack.databases.auth.rows(sql, &[]).await.len() == names.len()).then_some(())
    };
    eventually("each was tried once", LIMIT, all_sent).await;
    assert!(names.iter().all(|name| server.taken(name).len() == 1), "each was sent once");
    let mut both = 0;
    for service in [&stack.auth, &second] {
        let sent = metrics(service).await.sum("auth_letters_tried_total", "sent");
        both += usize::from(sent > 0.0);
    }
    assert_eq!(both, 2, "both have sent some");

    // One is told to stop while it sends: it gives back what it does not finish.
    stack.auth.kill();
    let id = stack.queue("hang@example.com", "password_changed", json!({})).await;
    let hangs = async || server.said().iter().any(|it| it["event"] == "hanging").then_some(());
    eventually("it is on its way", LIMIT, hangs).await;
    second.terminate();
    second.ended(LIMIT).await;
    assert_eq!(row(&stack, id).await.1, 0, "as if it had not been tried");
    stack.auth.start_again().await;
    assert_eq!(settled(&stack, id).await.0, "sent");
}

#[tokio::test]
async fn a_kill_between_queueing_and_sending_loses_nothing() {
    let server = SmtpServer::start(tools().await, &[]);
    let url = format!("smtp://localhost:{}", server.port);
    let mut stack = sending(&url).start().await;
    let mut ids = Vec::new();
    for name in ["hang-a", "hang-b", "hang-c", "hang-d", "ann", "bob", "eve"] {
        let address = format!("{name}@example.com");
        ids.push(stack.queue(&address, "password_changed", json!({})).await);
    }
    let hang = async || {
        (server.said().iter().filter(|it| it["event"] == "hanging").count() == 4).then_some(())
    };
    eventually("some are on their way and others wait", LIMIT, hang).await;
    stack.auth.kill();
    // Their lease would be over in a while.
    let sql = "UPDATE letters SET due_at = now() WHERE state = 'waiting'";
    stack.databases.auth.execute(sql, &[]).await;
    stack.auth.start_again().await;
    for id in ids {
        assert_eq!(settled(&stack, id).await.0, "sent");
        let message_id = json!(format!("<{id}@mainstay.test>"));
        let said = server.said();
        let times = said.iter().filter(|it| it["headers"]["Message-ID"] == message_id).count();
        assert_eq!(times, 1, "{id}");
    }
}
