//! Streams of events.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::{StreamExt, stream};
use http::StatusCode;
use platform::status::{Reason, refuse};
use prost::Message;
use serde_json::{Value, json};
use tonic::Status;

use super::{
    messages::{Event, WatchRequest},
    rig::{Count, CountsDrop, Rig, Said},
};

const SSE: (&str, &str) = ("accept", "text/event-stream");

fn event(n: usize) -> Event {
    Event { id: n.to_string(), text: format!("number {n}\n") }
}

fn events(numbers: impl Iterator<Item = usize>) -> impl Iterator<Item = Vec<u8>> {
    numbers.map(|n| event(n).encode_to_vec())
}

#[tokio::test]
async fn events_come_one_by_one_with_their_names() {
    let rig = Rig::new(|mut heard| async move {
        assert_eq!(heard.message::<WatchRequest>().await.topic, "a b");
        Said::all(events(1..3))
    });
    let mut got = rig.send("GET /v1/topics/a%20b", &[SSE], b"").await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.header("content-type"), "text/event-stream");
    assert_eq!(got.header("cache-control"), "no-store");
    assert_eq!(got.header("x-accel-buffering"), "no");
    assert_eq!(got.text().await, "id: 1\ndata: {\"id\":\"1\",\"text\":\"number 1\\n\"}\n\n");
    assert_eq!(got.text().await, "id: 2\ndata: {\"id\":\"2\",\"text\":\"number 2\\n\"}\n\n");
    assert_eq!(got.text().await, "event: end\ndata: {}\n\n");
    assert!(got.piece().await.is_none());
}

#[tokio::test]
async fn lines_of_json_are_what_other_clients_get() {
    let rig = Rig::new(|_| async { Said::all(events(1..3)) });
    let mut got = rig.send("GET /v1/topics/a", &[], b"").await;
    assert_eq!(got.header("content-type"), "application/x-ndjson");
    let text = String::from_utf8(got.bytes().await.unwrap()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines,
        [json!({"id": "1", "text": "number 1\n"}), json!({"id": "2", "text": "number 2\n"})]
    );
    assert!(text.ends_with('\n'));
    let got = rig.send("GET /v1/topics/a", &[("accept", "text/html")], b"").await;
    assert_eq!(got.problem().await, (406, "NOT_ACCEPTABLE".to_owned()));
}

#[tokio::test]
async fn whoever_comes_back_goes_on_where_they_were() {
    let rig = Rig::new(|mut heard| async move {
        let asked: WatchRequest = heard.message().await;
        let after: usize = asked.last_event_id.parse().unwrap_or(0);
        Said::all(events(after + 1..after + 2))
    });
    let mut got = rig.send("GET /v1/topics/a", &[SSE, ("last-event-id", "41")], b"").await;
    assert!(got.text().await.starts_with("id: 42\n"));
    // The header is the only way to say so.
    let got = rig.send("GET /v1/topics/a?lastEventId=41", &[SSE], b"").await;
    assert_eq!(got.problem().await, (400, "UNKNOWN_PARAMETER".to_owned()));
}

#[tokio::test]
async fn early_refusals_keep_their_status_and_late_ones_are_the_last_event() {
    let rig = Rig::new(|mut heard| async move {
        let asked: WatchRequest = heard.message().await;
        let refused = || refuse(Reason::NOT_FOUND);
        match &*asked.topic {
            "at-once" => Err(refused()),
            "instead" => Said::stream(stream::iter([Err(refused())])),
            _ => {
                let first = stream::iter([Ok(event(1).encode_to_vec().into())]);
                Said::stream(first.chain(stream::iter([Err(refused())])))
            }
        }
    });
    for topic in ["at-once", "instead"] {
        let got = rig.send(&format!("GET /v1/topics/{topic}"), &[SSE], b"").await;
        assert_eq!(got.problem().await, (404, "NOT_FOUND".to_owned()), "{topic}");
    }
    let mut got = rig.send("GET /v1/topics/late", &[SSE, ("x-request-id", "request-1")], b"").await;
    assert!(got.text().await.starts_with("id: 1\n"));
    let last = got.text().await;
    let problem: Value =
        serde_json::from_str(last.strip_prefix("event: problem\ndata: ").unwrap()).unwrap();
    assert_eq!(
        (&problem["code"], &problem["requestId"]),
        (&json!("NOT_FOUND"), &json!("request-1"))
    );
    assert!(got.piece().await.is_none());
    let mut got = rig.send("GET /v1/topics/late", &[], b"").await;
    let text = String::from_utf8(got.bytes().await.unwrap()).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["problem"]["status"], 404);
}

#[tokio::test]
async fn causes_are_not_told_late_either() {
    let rig = Rig::new(|_| async {
        let broken = Status::new(tonic::Code::Unknown, "password=hunter2");
        Said::stream(stream::iter([Ok(event(1).encode_to_vec().into()), Err(broken)]))
    });
    let mut got = rig.send("GET /v1/topics/a", &[SSE], b"").await;
    let all = String::from_utf8(got.bytes().await.unwrap()).unwrap();
    assert!(all.contains("INTERNAL") && !all.contains("hunter2"), "{all}");
}

#[tokio::test]
async fn a_quiet_stream_opens_and_beats() {
    let rig = Rig::new(|_| async { Said::stream(stream::pending()) });
    let mut got = rig.send("GET /v1/topics/a", &[SSE], b"").await;
    assert_eq!(got.status, StatusCode::OK);
    tokio::time::pause();
    assert_eq!(got.text().await, ":\n\n");
}

#[tokio::test]
async fn a_stream_that_is_old_asks_to_come_back() {
    let rig = Rig::new(|_| async { Said::stream(stream::pending()) });
    let mut got = rig.send("GET /v1/topics/a", &[SSE], b"").await;
    let mut lines = rig.send("GET /v1/topics/a", &[], b"").await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(30)).await;
    let last = got.text().await;
    let after: u64 = last.trim().strip_prefix("retry: ").unwrap().parse().unwrap();
    assert!((1_000..3_000).contains(&after), "{after}");
    assert!(got.piece().await.is_none());
    let last: Value = serde_json::from_str(&lines.text().await).unwrap();
    assert_eq!(last["problem"]["code"], "UNAVAILABLE");
}

#[tokio::test]
async fn a_stream_lasts_no_longer_than_its_token() {
    let rig = Rig::new(|_| async { Said::stream(stream::pending()) });
    let expiry = jiff::Timestamp::now().as_second() + 2;
    let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"ann","exp":{expiry}}}"#));
    let cookie = format!("__Host-access=h.{claims}.s");
    let mut got = rig.send("GET /v1/topics/a", &[SSE, ("cookie", &cookie)], b"").await;
    assert_eq!(got.status, StatusCode::OK);
    assert!(got.text().await.starts_with("retry: "));
    assert!(got.piece().await.is_none());
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call() {
    let (begun, ended) = (Count::default(), Count::default());
    let rig = Rig::new({
        let (begun, ended) = (begun.clone(), ended.clone());
        move |_| {
            begun.add(1);
            let held = CountsDrop(ended.clone());
            let events = stream::unfold(held, |held| async move {
                tokio::task::yield_now().await;
                Some((Ok(event(1).encode_to_vec().into()), held))
            });
            async { Said::stream(events) }
        }
    });
    let mut got = rig.send("GET /v1/topics/a", &[SSE], b"").await;
    assert!(got.piece().await.is_some());
    assert_eq!((begun.get(), ended.get()), (1, 0));
    drop(got);
    ended.reaches(1).await;
}

#[tokio::test]
async fn a_slow_reader_holds_the_service_back() {
    let sent = Count::default();
    let rig = Rig::new({
        let sent = sent.clone();
        move |_| {
            let sent = sent.clone();
            let text = "x".repeat(1024);
            let events = stream::repeat_with(move || {
                sent.add(1);
                Ok(Event { id: "1".to_owned(), text: text.clone() }.encode_to_vec().into())
            });
            async { Said::stream(events) }
        }
    });
    let mut got = rig.send("GET /v1/topics/a", &[SSE], b"").await;
    assert!(got.piece().await.is_some());
    let waiting = sent.rests().await;
    // 128 KiB of window, and what the server itself holds before it sends.
    assert!(waiting < 2_048, "{waiting} KiB are waiting for a reader");
    for _ in 0..waiting + 10 {
        assert!(got.piece().await.unwrap().is_ok());
    }
    assert!(sent.get() > waiting, "the service goes on");
}

#[tokio::test]
async fn slow_readers_do_not_hold_up_others() {
    let rig = Rig::new(|mut heard| async move {
        let asked: WatchRequest = heard.message().await;
        let text = "x".repeat(16 * 1024);
        let flood =
            move || Ok(Event { id: String::new(), text: text.clone() }.encode_to_vec().into());
        match &*asked.topic {
            "flood" => Said::stream(stream::repeat_with(flood)),
            _ => Said::all(events(1..2)),
        }
    });
    let mut slow = Vec::new();
    for n in 0..12 {
        let user = format!("Bearer h.{}.s", ["eyJzdWIiOiJhIn0", "eyJzdWIiOiJiIn0"][n % 2]);
        let got = rig.send("GET /v1/topics/flood", &[("authorization", &user)], b"").await;
        assert_eq!(got.status, StatusCode::OK);
        slow.push(got);
    }
    let mut got = rig.send("GET /v1/topics/calm", &[], b"").await;
    assert!(!got.bytes().await.unwrap().is_empty());
    drop(slow);
}

#[tokio::test]
async fn a_service_that_dies_is_told_as_the_last_event() {
    let mut rig = Rig::new(|_| async {
        let first = stream::iter([Ok(event(1).encode_to_vec().into())]);
        Said::stream(first.chain(stream::pending()))
    });
    let mut got = rig.send("GET /v1/topics/a", &[SSE], b"").await;
    assert!(got.text().await.starts_with("id: 1\n"));
    rig.crash();
    let last = got.text().await;
    assert!(last.starts_with("event: problem\n") && last.contains("UNAVAILABLE"), "{last}");
    assert!(got.piece().await.is_none());
}

#[tokio::test]
async fn every_caller_has_so_many_streams() {
    let rig = Rig::new(|_| async { Said::stream(stream::pending()) });
    let ann = ("authorization", "Bearer h.eyJzdWIiOiJhbm4ifQ.s");
    let as_ann = [ann];
    let open = (0..crate::stream::EVENTS_EACH).map(|_| rig.send("GET /v1/topics/a", &as_ann, b""));
    let mut open = futures_util::future::join_all(open).await;
    assert!(open.iter().all(|got| got.status == StatusCode::OK));
    let got = rig.send("GET /v1/topics/a", &[ann], b"").await;
    assert_eq!(got.header("retry-after"), "1");
    assert_eq!(got.problem().await, (429, "TOO_MANY_STREAMS".to_owned()));
    let got = rig.send("GET /v1/topics/a", &[], b"").await;
    assert_eq!(got.status, StatusCode::OK, "others have their own");
    open.pop();
    let got = rig.send("GET /v1/topics/a", &[ann], b"").await;
    assert_eq!(got.status, StatusCode::OK, "whoever closes one may open another");
}
