//! The ways that letters leave, or stay.

use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Rest, Stack, eventually, program};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{LIMIT, code, sending, settled};

#[tokio::test]
async fn a_folder_gets_a_file_for_each_letter() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("out");
    let stack = sending(&format!("file://{}", path.display())).start().await;
    let id = stack.queue("ann@example.com", "password_reset", code()).await;
    settled(&stack, id).await;
    let text = std::fs::read_to_string(path.join(format!("{id}.eml"))).unwrap();
    assert!(text.contains("To: ann@example.com\r\n") && text.contains("12345678"), "{text}");
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 1);
}

#[tokio::test]
async fn without_a_server_letters_are_kept_for_a_day_and_can_be_read() {
    let stack = Stack::start().await;
    let id = stack.queue("ann@example.com", "password_reset", code()).await;
    let letter = stack.kept_letter("ann@example.com", "password_reset").await;
    assert_eq!(letter.code.as_deref(), Some("12345678"));
    assert_eq!(letter.link.as_deref(), Some("https://mainstay.test/reset#token=abc"));
    assert_eq!(letter.written.subject, "Choose a new password");
    assert_eq!(settled(&stack, id).await, ("sent".to_owned(), 1, String::new(), true));
    assert!(stack.kept_letters("bob@example.com").await.is_empty());

    let sql = "UPDATE letters SET settled_at = now() - interval '25 hours'";
    stack.databases.auth.execute(sql, &[]).await;
    let gone = async || stack.kept_letters("ann@example.com").await.is_empty().then_some(());
    eventually("it is gone", LIMIT, gone).await;
    assert!(stack.auth.log().contains("MAINSTAY_MAIL_URL is not set"));
}

#[tokio::test]
async fn mistakes_in_the_settings_are_told_at_the_start_without_the_password() {
    let cases = [
        ("smtp://ann:secret@mail.example.com?tls=none", "a password is not sent in the clear"),
        ("smtp://ann:secret@mail.example.com?verify=no", "tls must be"),
        ("smtps://ann:secret@mail.example.com", "MAINSTAY_MAIL_FROM is not set"),
        ("imap://ann:secret@mail.example.com", "must be smtp://USER"),
    ];
    for (url, expected) in cases {
        let mut command = program::command(&["auth"]);
        command.env("MAINSTAY_MAIL_URL", url);
        let ended = program::run(command).await;
        assert_eq!(ended.code, Some(78), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{ended:?}");
        assert!(!ended.stderr.contains("secret"), "{ended:?}");
    }
}

#[tokio::test]
async fn mainstay_mail_shows_what_a_development_stack_has_written() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let any = ["--port", "0", "--auth-port", "0", "--content-port", "0", "--no-demo"];
    let mut dev =
        program::command_at_home(&[&["dev", "--json", "--data", data], &any[..]].concat());
    let mut dev = dev.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(dev.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let report: Value = serde_json::from_str(&line).unwrap();
    let gateway = report["gateway"].as_str().unwrap().replace("http://localhost", "127.0.0.1");
    let rest = Rest::new(gateway.parse().unwrap());
    let ann = json!({"email": "ann@example.com", "username": "ann", "password": tests::PASSWORD});
    rest.post("/api/users", ann.clone()).await.expect(201);
    let credentials = json!({"email": ann["email"], "password": ann["password"]});
    rest.post("/api/sessions", credentials).await.expect(201);
    rest.call("DELETE", "/api/users/me").send().await.expect(204);

    let mail = async |arguments: &[&str]| {
        let arguments = [&["mail", "--data", data], arguments].concat();
        let ended = program::run(program::command_at_home(&arguments)).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        ended.stdout
    };
    let all = mail(&[]).await;
    assert!(all.contains("to ann@example.com  Your account was erased"), "{all}");
    assert!(all.contains("the number of your receipt"), "{all}");
    assert_eq!(mail(&["Bob@example.com"]).await, "");
    assert!(mail(&["Ann@Example.com"]).await.starts_with(all.get(..10).unwrap()));
    assert!(!mail(&["--links"]).await.contains("Your account"));

    program::signal(dev.id().unwrap(), program::Signal::TERM);
    dev.wait().await.unwrap();
    let gone = program::run(program::command_at_home(&["mail", "--data", data])).await;
    assert_eq!(gone.code, Some(69), "{gone:?}");
}
