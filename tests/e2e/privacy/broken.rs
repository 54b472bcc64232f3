//! An archive that cannot be whole is none.

use std::time::Duration;

use tests::{Person, Stack, eventually, refused};
use tonic::Code;

use super::{Archive, EXPORT, direct, export, many::write_much};
use crate::factors::noted;

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
    let rest = ann.rest().clone();
    let mut download = Box::pin(rest.call("GET", EXPORT).try_send());
    let begun = eventually("it is begun", LIMIT, async || {
        (noted(&stack, &ann, "account.exported").await == 2).then_some(())
    });
    tokio::select! {
        answer = &mut download => panic!("it was all there at once: {:?}", answer.map(|it| it.status)),
        () = begun => stack.content.kill(),
    }
    let broken = download.await;
    assert!(broken.is_err(), "{:?}", broken.map(|answer| answer.status));
}
