//! An archive that cannot be whole is none.

use std::time::Duration;

use http_body_util::BodyExt as _;
use tests::{Person, Stack, eventually, refused, within};
use tonic::Code;

use super::{Archive, EXPORT, direct, export, many::write_much};
use crate::{
    factors::noted,
    streams::{nothing, send},
};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn without_what_its_owner_wrote_there_is_no_archive() {
    // Nobody told this auth where content is.
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    ann.rest().get(EXPORT).await.refused(503, "EXPORT_UNAVAILABLE");

    let mut stack = Stack::whole().await;
    let ann = Person::user(&stack, "ann").await;
    stack.content.kill();
    let answer = ann.rest().get(EXPORT).await.refused(503, "EXPORT_UNAVAILABLE");
    assert_ne!(answer.header("retry-after"), "");
    assert_eq!(answer.header("content-disposition"), "");
    refused(export(&direct(&ann), "me").await, Code::Unavailable, "EXPORT_UNAVAILABLE");
    assert_eq!(noted(&stack, &ann, "account.exported").await, 0);
    stack.content.start_again().await;
    eventually("there is one again", LIMIT, async || {
        (ann.rest().get(EXPORT).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_breaks_off_is_seen_to_be_broken() {
    let mut stack = Stack::whole().await;
    let ann = Person::user(&stack, "ann").await;
    write_much(&stack, &ann, 3_000, 200).await;

    let mut pieces = export(&direct(&ann), "me").await.unwrap().into_inner();
    let mut bytes = pieces.message().await.unwrap().unwrap().data;
    stack.content.kill();
    let status = loop {
        match pieces.message().await {
            Ok(Some(piece)) => bytes.extend(piece.data),
            Ok(None) => panic!("it ended as if it were whole"),
            Err(status) => break status,
        }
    };
    assert_eq!(tests::reason(&status), "EXPORT_UNAVAILABLE");
    assert!(Archive::read(&bytes).await.is_none());

    stack.content.start_again().await;
    let cookie = format!("__Host-access={}", ann.rest().cookie("__Host-access").unwrap());
    let download = eventually("it is begun", LIMIT, async || {
        let (line, headers) = (format!("GET {EXPORT}"), [("cookie", &*cookie)]);
        let answer = send(&stack.gateway, &line, &headers, nothing()).await;
        (answer.status() == 200).then_some(answer)
    })
    .await;
    stack.content.kill();
    let read = within("the end", LIMIT, download.into_body().collect()).await;
    assert!(read.is_err(), "half an archive is not an archive");
}
