use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Method;
use platform::status::{Reason, refuse};
use tokio::sync::Notify;

use super::{Cache, Finished};
use crate::{
    compress::Coding,
    conditional::{Shown, Tag},
    route::{Route, Table},
};

const LIFETIME: Duration = Duration::from_mins(1);

fn routes() -> (Arc<Route>, Arc<Route>) {
    let table = Table::read(proto::DESCRIPTORS).unwrap();
    let route = |path| Arc::clone(table.find(&Method::GET, path).unwrap().route);
    (route("/api/posts"), route("/api/users/u/posts"))
}

fn finished(json: &str, asked: Instant) -> Finished {
    let json = Bytes::from(json.to_owned());
    let shown = Shown { tag: Some(Tag::of(&json)), next_page: None };
    Finished { shown, json, asked, lifetime: LIFETIME }
}

#[tokio::test]
async fn answers_are_kept_for_as_long_as_the_contract_allows() {
    let (cache, (route, _)) = (Cache::new(1 << 20), routes());
    let message = Bytes::new();
    let get = async |made: &Cell<u32>, asked| {
        let make = || async {
            made.set(made.get() + 1);
            Ok(finished("{}", asked))
        };
        cache.get(&route, &message, make).await.unwrap()
    };
    let (made, now) = (Cell::new(0), Instant::now());
    let long_ago = now.checked_sub(LIFETIME).unwrap();
    get(&made, long_ago).await;
    get(&made, now).await;
    assert_eq!(made.get(), 2, "the first was too old to be shown again");
    get(&made, now).await;
    assert_eq!(made.get(), 2);
}

#[tokio::test]
async fn what_is_asked_and_where_tell_answers_apart() {
    let (cache, (all, of_one)) = (Cache::new(1 << 20), routes());
    let get = async |route: &Route, message: &'static [u8], json: &str| {
        let make = || async { Ok(finished(json, Instant::now())) };
        cache.get(route, &Bytes::from_static(message), make).await.unwrap().json.clone()
    };
    assert_eq!(get(&all, b"", "1").await, "1");
    assert_eq!(get(&of_one, b"", "2").await, "2");
    assert_eq!(get(&all, &[0x10, 5], "3").await, "3");
    assert_eq!(get(&all, b"", "4").await, "1");
}

#[tokio::test]
async fn all_answers_together_take_no_more_than_they_may() {
    const MOST: u64 = 64 * 1024;
    let (cache, (route, _)) = (Cache::new(MOST), routes());
    let text = "0123456789".repeat(400);
    for n in 0..=255 {
        let message = Bytes::from(vec![0x10, 0x80 | (n & 0x7f), n >> 7]);
        let make = || async { Ok(finished(&format!("{text}{n}"), Instant::now())) };
        let kept = cache.get(&route, &message, make).await.unwrap();
        for coding in Coding::ALL {
            cache.packed(&route, &kept, coding).await;
        }
    }
    cache.finished.run_pending_tasks().await;
    cache.packed.run_pending_tasks().await;
    let held = cache.finished.weighted_size() + cache.packed.weighted_size();
    assert!(held <= MOST && held > MOST / 4, "{held}");
    let large = || async { Ok(finished(&text.repeat(20), Instant::now())) };
    let served = cache.get(&route, &Bytes::new(), large).await.unwrap();
    assert_eq!(served.json.len(), 80_000, "what does not fit is served all the same");
}

#[tokio::test]
async fn the_time_of_whoever_asked_first_is_not_that_of_the_others() {
    let (cache, (route, _)) = (Cache::new(1 << 20), routes());
    let (gate, message) = (Notify::new(), Bytes::new());
    let slow = || async {
        gate.notified().await;
        Err(refuse(Reason::DEADLINE_EXCEEDED))
    };
    let quick = || async { Ok(finished("{}", Instant::now())) };
    let first = cache.get(&route, &message, slow);
    let second = async {
        let waiting = cache.get(&route, &message, quick);
        let open = async { gate.notify_one() };
        tokio::join!(waiting, open).0
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap_err().code(), tonic::Code::DeadlineExceeded);
    assert_eq!(second.unwrap().json, "{}");
}

#[test]
fn without_room_nothing_is_kept() {
    let (route, _) = routes();
    assert!(Cache::new(1 << 20).keeps(&route.rpc));
    assert!(!Cache::new(0).keeps(&route.rpc));
    let table = Table::read(proto::DESCRIPTORS).unwrap();
    for (method, path) in [(Method::GET, "/api/users/me"), (Method::POST, "/api/sessions")] {
        let found = table.find(&method, path).unwrap();
        assert!(!Cache::new(1 << 20).keeps(&found.route.rpc), "{path}");
    }
}
