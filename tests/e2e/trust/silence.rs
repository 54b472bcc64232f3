//! Whoever hears nothing does not know whom to trust: short silence harms nobody,
//! long silence opens nothing.

use std::time::Duration;

use futures_util::future::join;
use tests::{Person, Stack, eventually, program};
use tokio_postgres::NoTls;

use super::{MINE, SOON, look};

const LIMIT: Duration = Duration::from_secs(30);

/// Waits until content does not believe anybody any more, and looks at what is left.
async fn falls_silent(stack: &Stack, ann: &Person) {
    let refused = eventually("content knows that it does not know", LIMIT, async || {
        let answer = ann.rest().get(MINE).await;
        (answer.status != 200).then_some(answer)
    });
    let refused = refused.await.refused(503, "CALLER_UNKNOWN");
    assert!(refused.header("retry-after").parse::<u32>().is_ok(), "{refused:?}");
    assert!(ann.rest().cookie("__Host-session").is_some(), "nobody is signed out");
    assert_eq!(tests::reason(&look(ann.grpc()).await.unwrap_err()), "CALLER_UNKNOWN");
    // What everybody may see is there for strangers, and for those who may be some.
    Person::stranger(stack).rest().get("/api/posts").await.expect(200);
    ann.rest().get("/api/posts").await.expect(200);
}

async fn goes_on(ann: &Person) {
    eventually("ann is believed again", LIMIT, async || {
        (ann.rest().get(MINE).await.status == 200).then_some(())
    })
    .await;
    look(ann.grpc()).await.unwrap();
}

async fn impatient() -> Stack {
    let [content, gateway] = ["content", "gateway"];
    let builder = Stack::builder().set(content, "MAINSTAY_TRUST_STALE_SECONDS", "4");
    builder.set(gateway, "MAINSTAY_TRUST_STALE_SECONDS", "4").start().await
}

#[tokio::test]
async fn without_auth_nobody_is_believed_for_long() {
    let mut stack = impatient().await;
    let ann = Person::user(&stack, "ann").await;
    ann.rest().get(MINE).await.expect(200);
    stack.auth.kill();
    ann.rest().get(MINE).await.expect(200);
    falls_silent(&stack, &ann).await;
    stack.auth.start_again().await;
    goes_on(&ann).await;
}

#[tokio::test]
async fn a_connection_that_stalls_is_no_better_than_none() {
    let stack = impatient().await;
    let ann = Person::user(&stack, "ann").await;
    ann.rest().get(MINE).await.expect(200);
    program::signal(stack.auth.pid(), program::Signal::STOP);
    falls_silent(&stack, &ann).await;
    program::signal(stack.auth.pid(), program::Signal::CONT);
    goes_on(&ann).await;
}

#[tokio::test]
async fn a_restart_of_auth_refuses_nobody() {
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    ann.rest().get(MINE).await.expect(200);
    for _ in 0..3 {
        stack.auth.kill();
        let asking = async {
            for _ in 0..20 {
                ann.rest().get(MINE).await.expect(200);
                look(ann.grpc()).await.unwrap();
            }
        };
        join(stack.auth.start_again(), asking).await;
    }
}

#[tokio::test]
async fn a_service_that_starts_before_auth_waits_for_the_keys() {
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    stack.auth.kill();
    stack.content.kill();
    stack.content.start_again().await;
    let status = look(ann.grpc()).await.unwrap_err();
    assert_eq!(tests::reason(&status), "CALLER_UNKNOWN");
    stack.auth.start_again().await;
    eventually("content has the keys", SOON, async || look(ann.grpc()).await.ok()).await;
}

/// Its memory of a moment ago is not taken for what is so now.
#[tokio::test]
async fn an_auth_without_its_database_is_believed_no_longer_than_none() {
    let stack = impatient().await;
    let ann = Person::user(&stack, "ann").await;
    ann.rest().get(MINE).await.expect(200);
    let url = &stack.databases.auth.url;
    let name = url.split("dbname=").nth(1).unwrap().split(' ').next().unwrap();
    let elsewhere = url.replace("user=auth", "user=postgres").replace(name, "postgres");
    let (owner, connection) = tokio_postgres::connect(&elsewhere, NoTls).await.unwrap();
    drop(platform::server::spawn(connection));
    let cut = format!(
        "ALTER DATABASE {name} ALLOW_CONNECTIONS false; \
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    owner.batch_execute(&cut).await.unwrap();
    falls_silent(&stack, &ann).await;
    // Asking anew makes nothing of it newer.
    tokio::time::sleep(Duration::from_secs(5)).await;
    falls_silent(&stack, &ann).await;
    owner.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await.unwrap();
    goes_on(&ann).await;
}
