//! Files that clients fetch.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use platform::status::{Reason, refuse};
use prost::Message;
use tonic::Status;

use super::{
    messages::{FileRequest, HttpBody},
    rig::{Count, CountsDrop, Rig, Said},
};

const TEXT: &str = "0123456789";

fn piece(content_type: &str, data: &[u8]) -> Vec<u8> {
    HttpBody { content_type: content_type.to_owned(), data: data.to_vec() }.encode_to_vec()
}

/// Serves [`TEXT`], whole or in part.
fn serving() -> Rig {
    Rig::new(|mut heard| async move {
        let asked: FileRequest = heard.message().await;
        let range = asked.range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
        let is_current = asked.if_range.is_empty() || asked.if_range == "\"v1\"";
        let (from, to) = match range.filter(|_| is_current) {
            Some((from, to)) => (from.parse().unwrap(), to.parse::<usize>().unwrap() + 1),
            None => (0, TEXT.len()),
        };
        let Some(part) = TEXT.get(from..to) else {
            let mut status = refuse(Reason::RANGE_NOT_SATISFIABLE);
            status.metadata_mut().insert("content-range", "bytes */10".parse().unwrap());
            return Err(status);
        };
        let (first, rest) = part.split_at(part.len() / 2);
        let messages = match &*heard.method {
            "Peek" => vec![piece("text/plain", part.as_bytes())],
            _ => vec![piece("text/plain", first.as_bytes()), piece("", rest.as_bytes())],
        };
        let said = Said::all(messages)?;
        let said = said.with("etag", "\"v1\"").with("accept-ranges", "bytes");
        let said = said.with("set-cookie", "session=stolen").with("x-internal", "10.0.0.1");
        Ok(if part.len() < TEXT.len() {
            said.with("content-range", &format!("bytes {from}-{}/10", to - 1))
        } else {
            said.with("http-content-length", "10")
        })
    })
}

#[tokio::test]
async fn a_file_comes_as_what_it_is() {
    let rig = serving();
    for target in ["/v1/files/a", "/v1/files/a/peek"] {
        let mut got = rig.send(&format!("GET {target}"), &[("accept", "image/*")], b"").await;
        assert_eq!(got.status, StatusCode::OK, "{target}");
        assert_eq!(got.header("content-type"), "text/plain");
        assert_eq!((got.header("etag"), got.header("accept-ranges")), ("\"v1\"", "bytes"));
        assert_eq!(got.header("content-length"), "10");
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert!(got.header("content-security-policy").contains("sandbox"));
        assert_eq!(got.header("cache-control"), "no-store");
        // Whatever else the service says is between us.
        assert_eq!((got.header("set-cookie"), got.header("x-internal")), ("", ""));
        assert_eq!(got.bytes().await.unwrap(), TEXT.as_bytes());
    }
}

#[tokio::test]
async fn a_part_of_a_file_is_a_part() {
    let rig = serving();
    let range = ("range", "bytes=2-5");
    for headers in [&[range][..], &[range, ("if-range", "\"v1\"")]] {
        let mut got = rig.send("GET /v1/files/a", headers, b"").await;
        assert_eq!(got.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(got.header("content-range"), "bytes 2-5/10");
        assert_eq!(got.header("content-length"), "4");
        assert_eq!(got.bytes().await.unwrap(), b"2345");
    }
    for headers in [
        &[range, ("if-range", "\"v0\"")][..],
        &[("range", "bytes=1-2,4-5")],
        &[("if-range", "\"v1\"")],
    ] {
        let mut got = rig.send("GET /v1/files/a", headers, b"").await;
        assert_eq!((got.status, got.header("content-range")), (StatusCode::OK, ""), "{headers:?}");
        assert_eq!(got.bytes().await.unwrap(), TEXT.as_bytes());
    }
    let got = rig.send("GET /v1/files/a", &[("range", "bytes=20-30")], b"").await;
    assert_eq!(got.header("content-range"), "bytes */10");
    assert_eq!(got.problem().await, (416, "RANGE_NOT_SATISFIABLE".to_owned()));
}

#[tokio::test]
async fn head_tells_without_sending() {
    let ended = Count::default();
    let rig = Rig::new({
        let ended = ended.clone();
        move |_| {
            let held = CountsDrop(ended.clone());
            let endless = stream::unfold(held, |held| async {
                tokio::task::yield_now().await;
                Some((Ok(piece("image/png", &[0; 1024]).into()), held))
            });
            async { Ok(Said::stream(endless)?.with("http-content-length", "5000000000")) }
        }
    });
    let mut got = rig.send("HEAD /v1/files/a", &[], b"").await;
    assert_eq!(got.header("content-length"), "5000000000");
    assert_eq!(got.header("content-type"), "image/png");
    assert!(got.bytes().await.unwrap().is_empty());
    ended.reaches(1).await;
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let rig = serving();
    for known in ["\"v1\"", "\"v0\", W/\"v1\"", "*"] {
        let mut got = rig.send("GET /v1/files/a", &[("if-none-match", known)], b"").await;
        assert_eq!(
            (got.status, got.header("etag")),
            (StatusCode::NOT_MODIFIED, "\"v1\""),
            "{known}"
        );
        assert!(got.bytes().await.unwrap().is_empty());
    }
    let got = rig.send("GET /v1/files/a", &[("if-none-match", "\"v0\"")], b"").await;
    assert_eq!(got.status, StatusCode::OK);
}

#[tokio::test]
async fn refusals_keep_their_status() {
    let rig = Rig::new(|heard| async move {
        let refused = || refuse(Reason::NOT_FOUND);
        match &*heard.method {
            "Peek" => Err(refused()),
            _ => Said::stream(stream::iter([Err(refused())])),
        }
    });
    for target in ["/v1/files/a", "/v1/files/a/peek"] {
        let got = rig.send(&format!("GET {target}"), &[], b"").await;
        assert_eq!(got.problem().await, (404, "NOT_FOUND".to_owned()), "{target}");
    }
}

#[tokio::test]
async fn half_a_file_does_not_look_like_a_short_one() {
    let rig = Rig::new(|mut heard| async move {
        let asked: FileRequest = heard.message().await;
        let first = stream::iter([Ok(Bytes::from(piece("image/png", b"half of it")))]);
        match &*asked.name {
            "broken" => Said::stream(first.chain(stream::iter([Err(Status::data_loss("disk"))]))),
            "short" => Ok(Said::stream(first)?.with("http-content-length", "20")),
            _ => Ok(Said::stream(first)?.with("http-content-length", "5")),
        }
    });
    for (name, before) in [("broken", 1), ("short", 1), ("long", 0)] {
        let mut got = rig.send(&format!("GET /v1/files/{name}"), &[], b"").await;
        assert_eq!(got.status, StatusCode::OK);
        for _ in 0..before {
            assert_eq!(got.piece().await.unwrap().unwrap(), "half of it");
        }
        assert!(got.piece().await.unwrap().is_err(), "{name}");
        assert!(got.piece().await.is_none(), "{name}");
    }
}

#[tokio::test]
async fn a_slow_reader_of_a_file_holds_the_service_back() {
    let sent = Count::default();
    let rig = Rig::new({
        let sent = sent.clone();
        move |_| {
            let sent = sent.clone();
            let all = stream::repeat_with(move || {
                sent.add(1);
                Ok(piece("image/png", &vec![0; 64 * 1024]).into())
            });
            async { Said::stream(all) }
        }
    });
    let mut got = rig.send("GET /v1/files/a", &[], b"").await;
    assert!(got.piece().await.is_some());
    let waiting = sent.rests().await;
    assert!(waiting < 64, "{waiting} pieces of 64 KiB wait for a reader");
    for _ in 0..waiting + 10 {
        assert!(got.piece().await.unwrap().is_ok());
    }
}
