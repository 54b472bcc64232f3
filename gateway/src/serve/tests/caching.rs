//! Finished bytes: asked for once, shown to every stranger and to nobody else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use platform::status::{Reason, refuse};
use prost::Message;
use proto::content::v1::{GetPostResponse, ListPostsResponse, Post};
use tokio::{sync::Semaphore, time::timeout};

use super::rig::Rig;

const LINE: &str = "GET /api/posts/1";
const SOON: Duration = Duration::from_secs(10);

fn reply() -> Vec<u8> {
    GetPostResponse { post: Some(Post { id: "1".to_owned(), ..Post::default() }) }.encode_to_vec()
}

/// Services that answer once they are let.
fn held(gate: &Arc<Semaphore>) -> Rig {
    let gate = Arc::clone(gate);
    Rig::slow(move |_| {
        let gate = Arc::clone(&gate);
        Box::pin(async move {
            gate.acquire().await.unwrap().forget();
            Ok(reply())
        })
    })
}

async fn until_called(rig: &Rig, times: usize) {
    let called = async {
        while rig.calls().len() < times {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, called).await.unwrap();
}

#[tokio::test]
async fn many_strangers_at_once_ask_the_service_once() {
    let gate = Arc::new(Semaphore::new(0));
    let rig = held(&gate);
    let codings = ["gzip", "br", "zstd", "identity"];
    let asking = (0..40).map(|n| {
        let headers = [("accept-encoding", codings[n % 4])];
        let rig = rig.clone();
        async move { rig.send(LINE, &headers, "").await }
    });
    let open = async {
        until_called(&rig, 1).await;
        gate.add_permits(100);
    };
    let (answers, ()) = tokio::join!(join_all(asking), open);
    assert!(answers.iter().all(|got| got.status.as_u16() == 200));
    assert_eq!(rig.calls(), ["GetPost"]);
    let again = rig.send(LINE, &[], "").await;
    assert_eq!((rig.calls().len(), again.header("age")), (1, "1"));
}

#[tokio::test]
async fn whoever_is_known_is_answered_anew_and_never_to_strangers() {
    let rig = Rig::new(|call| {
        let title = call.token.clone().unwrap_or_else(|| "public".to_owned());
        Ok(GetPostResponse { post: Some(Post { title, ..Post::default() }) })
    });
    for (headers, title) in [
        (&[("authorization", "Bearer ann")][..], "ann"),
        (&[], "public"),
        (&[("cookie", "__Host-access=bob")], "bob"),
        (&[("cookie", "__Host-access=ann")], "ann"),
        (&[("cookie", "theme=dark")], "public"),
        (&[], "public"),
    ] {
        let got = rig.send(LINE, headers, "").await;
        assert_eq!(got.json()["title"], title, "{headers:?}");
        assert_eq!(got.header("cache-control").contains("public"), title == "public");
        assert!(title == "public" || got.header("age").is_empty(), "{got:?}");
    }
    assert_eq!(rig.calls(), ["GetPost ann", "GetPost", "GetPost bob", "GetPost ann"]);
}

#[tokio::test]
async fn the_same_request_in_other_words_is_the_same() {
    let rig = Rig::new(|_| Ok(ListPostsResponse::default()));
    for line in [
        "GET /api/posts?pageSize=5&pageToken=t",
        "GET /api/posts?page_token=t&page_size=5",
        "HEAD /api/posts?pageToken=%74&pageSize=5",
    ] {
        assert_eq!(rig.send(line, &[], "").await.status.as_u16(), 200);
    }
    assert_eq!(rig.calls().len(), 1);
    for line in ["GET /api/posts?pageSize=6&pageToken=t", "GET /api/users/t/posts"] {
        rig.send(line, &[], "").await;
    }
    assert_eq!(rig.calls().len(), 3);
}

#[tokio::test]
async fn failures_are_not_kept() {
    let calls = Arc::new(AtomicUsize::new(0));
    let rig = Rig::new(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Err(refuse(Reason::NOT_FOUND)),
        _ => Ok(GetPostResponse::default()),
    });
    let missing = rig.send(LINE, &[], "").await;
    assert_eq!((missing.problem().0, missing.header("cache-control")), (404, "no-store"));
    assert_eq!(rig.send(LINE, &[], "").await.status.as_u16(), 200);
    assert_eq!(rig.calls().len(), 2);
}

#[tokio::test]
async fn whoever_asked_first_may_leave() {
    let gate = Arc::new(Semaphore::new(0));
    let rig = held(&gate);
    let first = platform::server::spawn({
        let rig = rig.clone();
        async move { rig.send(LINE, &[], "").await }
    });
    until_called(&rig, 1).await;
    let others = join_all((0..5).map(|_| rig.send(LINE, &[], "")));
    let leave = async {
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        until_called(&rig, 2).await;
        gate.add_permits(100);
    };
    let (answers, ()) = timeout(SOON, async { tokio::join!(others, leave) }).await.unwrap();
    assert!(answers.iter().all(|got| got.status.as_u16() == 200));
    assert_eq!(rig.calls().len(), 2, "one of the others took over");
}
