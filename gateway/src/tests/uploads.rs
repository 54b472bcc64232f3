//! Files that clients send.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{Channel, channel::Sender};
use platform::status::{Reason, refuse};
use prost::Message;
use serde_json::json;
use tonic::Status;

use super::{
    messages::{HttpBody, UploadRequest, UploadResponse},
    rig::{Count, Heard, Rig, Said},
};

pub(super) const MIB: usize = 1024 * 1024;
pub(super) const PNG: (&str, &str) = ("content-type", "image/png");
pub(super) const TOKEN: (&str, &str) = ("authorization", "Bearer h.eyJzdWIiOiJhbm4ifQ.s");

/// Reads a whole upload, as the media service will.
pub(super) async fn take(heard: &mut Heard) -> Result<UploadResponse, Status> {
    let mut answer = UploadResponse::default();
    while let Some(message) = heard.messages.message().await? {
        let (name, file) = if heard.method == "Pour" {
            (String::new(), HttpBody::decode(message).unwrap())
        } else {
            let request = UploadRequest::decode(message).unwrap();
            assert_eq!(request.is_public, !request.name.is_empty());
            (request.name, request.file.unwrap_or_default())
        };
        assert!(file.data.len() <= 256 * 1024, "a piece of {}", file.data.len());
        assert_eq!(answer.pieces > 0, file.content_type.is_empty(), "only the first says the type");
        answer.name += &name;
        answer.media_type += &file.content_type;
        answer.size += u32::try_from(file.data.len()).unwrap();
        answer.pieces += 1;
    }
    Ok(answer)
}

pub(super) fn taking() -> Rig {
    Rig::new(|mut heard| async move { Said::one(&take(&mut heard).await?) })
}

pub(super) fn form(parts: &[(&str, &str)]) -> String {
    let part = |(head, body): &(&str, &str)| {
        format!("--XX\r\ncontent-disposition: form-data; {head}\r\n\r\n{body}\r\n")
    };
    parts.iter().map(part).collect::<String>() + "--XX--\r\n"
}

pub(super) const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=XX");

fn endless(
    line: &str,
    headers: &[(&str, &str)],
) -> (Sender<Bytes, Infallible>, Request<Channel<Bytes, Infallible>>) {
    let (sender, body) = Channel::new(1);
    let request = headers.iter().fold(Rig::request(line), |request, (k, v)| request.header(*k, *v));
    (sender, request.body(body).unwrap())
}

#[tokio::test]
async fn a_file_comes_with_its_parameters_and_its_type() {
    let rig = taking();
    let line = "POST /v1/files/a%20b?isPublic=true";
    let mut got = rig.send(line, &[TOKEN, PNG], &vec![7; MIB]).await;
    assert_eq!(got.status, StatusCode::OK);
    let answer = json!({"name": "a b", "size": MIB, "mediaType": "image/png", "pieces": 4});
    assert_eq!(got.json().await, answer);
    let mut got = rig.send("PUT /v1/sink", &[PNG], b"").await;
    let answer = json!({"name": "", "size": 0, "mediaType": "image/png", "pieces": 1});
    assert_eq!(got.json().await, answer);
    let got = rig.send("PUT /v1/sink?name=a", &[PNG], b"").await;
    assert_eq!(got.problem().await, (400, "UNKNOWN_PARAMETER".to_owned()));
    let got = rig.send("PUT /v1/sink", &[], b"abc").await;
    assert_eq!(got.problem().await, (415, "UNSUPPORTED_MEDIA_TYPE".to_owned()));
}

#[tokio::test]
async fn uploads_are_never_buffered() {
    let (seen, gate) = (Count::default(), Count::default());
    let rig = Rig::new({
        let (seen, gate) = (seen.clone(), gate.clone());
        move |mut heard| {
            let (seen, gate) = (seen.clone(), gate.clone());
            async move {
                gate.reaches(1).await;
                while let Some(message) = heard.messages.message().await? {
                    seen.add(message.len());
                }
                Said::one(&UploadResponse::default())
            }
        }
    });
    for media_type in ["image/png", FORM.1] {
        let (mut sender, request) = endless("PUT /v1/sink", &[("content-type", media_type)]);
        let sent = Count::default();
        let (counted, is_form) = (sent.clone(), media_type == FORM.1);
        let send = async move {
            if is_form {
                let head = "--XX\r\ncontent-disposition: form-data; name=f; filename=x\r\n\r\n";
                sender.send_data(Bytes::from_static(head.as_bytes())).await.unwrap();
            }
            for _ in 0..20 * 16 {
                sender.send_data(Bytes::from(vec![0; MIB / 16])).await.unwrap();
                counted.add(MIB / 16);
            }
            if is_form {
                sender.send_data(Bytes::from_static(b"\r\n--XX--\r\n")).await.unwrap();
            }
        };
        let watch = async {
            let held = sent.rests().await;
            // The windows and buffers of one connection, and a piece on the way.
            assert!(held < 4 * MIB, "{held} bytes wait for a service that takes none");
            assert_eq!(seen.get(), 0);
            gate.add(1);
        };
        let (got, (), ()) = tokio::join!(rig.open(request), send, watch);
        assert_eq!(got.status, StatusCode::OK);
        assert!(seen.get() >= 20 * MIB);
        seen.0.store(0, std::sync::atomic::Ordering::SeqCst);
        gate.0.store(0, std::sync::atomic::Ordering::SeqCst);
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read_and_while_it_is() {
    let ended = Count::default();
    let rig = Rig::new({
        let ended = ended.clone();
        move |mut heard| {
            let ended = ended.clone();
            async move {
                let all = take(&mut heard).await;
                ended.add(1);
                Said::one(&all?)
            }
        }
    });
    let headers = [PNG, ("content-length", "3000000000")];
    let (_held, request) = endless("PUT /v1/sink", &headers);
    let mut got = rig.open(request).await;
    assert_eq!((got.status.as_u16(), got.header("connection")), (413, "close"));
    assert!(got.json().await["detail"].as_str().unwrap().contains("2147483648"));
    assert_eq!(ended.get(), 0, "nobody was asked");
    let (mut sender, request) = endless("POST /v1/files/a?isPublic=true", &[TOKEN, PNG]);
    let send = async move { while sender.send_data(Bytes::from(vec![0; MIB])).await.is_ok() {} };
    let (got, ()) = tokio::join!(rig.open(request), send);
    assert_eq!(got.problem().await, (413, "PAYLOAD_TOO_LARGE".to_owned()));
    ended.reaches(1).await;
}

#[tokio::test]
async fn half_a_file_never_looks_like_a_whole_one() {
    let (got, broken, complete) = (Count::default(), Count::default(), Count::default());
    let rig = Rig::new({
        let (got, broken, complete) = (got.clone(), broken.clone(), complete.clone());
        move |mut heard| {
            let (got, broken, complete) = (got.clone(), broken.clone(), complete.clone());
            async move {
                loop {
                    match heard.messages.message().await {
                        Ok(Some(_)) => got.add(1),
                        Ok(None) => complete.add(1),
                        Err(_) => broken.add(1),
                    };
                    if broken.get() + complete.get() > 0 {
                        return Said::one(&UploadResponse::default());
                    }
                }
            }
        }
    });
    let (mut sender, request) = endless("PUT /v1/sink", &[PNG]);
    let mut open = Box::pin(rig.open(request));
    let begun = async {
        sender.send_data(Bytes::from_static(b"half of ")).await.unwrap();
        got.reaches(1).await;
    };
    tokio::select! { () = begun => {}, _ = &mut open => panic!("nothing is complete") }
    // The client is gone, and with it everything that was done for it.
    drop(open);
    broken.reaches(1).await;
    assert_eq!(complete.get(), 0);
}

#[tokio::test]
async fn an_early_refusal_is_answered_at_once() {
    let rig = Rig::new(|mut heard| async move {
        let first: UploadRequest = heard.message().await;
        assert_eq!(first.name, "a");
        Err(refuse(Reason::UNSUPPORTED_MEDIA_TYPE))
    });
    let (mut sender, request) = endless("POST /v1/files/a", &[TOKEN, PNG]);
    let send = sender.send_data(Bytes::from_static(b"GIF89a"));
    let (got, sent) = tokio::join!(rig.open(request), send);
    sent.unwrap();
    assert_eq!(got.header("connection"), "close");
    assert_eq!(got.problem().await, (415, "UNSUPPORTED_MEDIA_TYPE".to_owned()));
    assert!(sender.send_data(Bytes::new()).await.is_err(), "nobody wants the rest");
}

#[tokio::test]
async fn a_service_that_dies_is_unavailable() {
    let mut rig = Rig::new(|mut heard| async move { Said::one(&take(&mut heard).await?) });
    let (mut sender, request) = endless("PUT /v1/sink", &[PNG]);
    sender.send_data(Bytes::from_static(b"abc")).await.unwrap();
    let server = rig.server();
    let kill = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.unwrap().end();
    };
    let (got, ()) = tokio::join!(rig.open(request), kill);
    assert_eq!(got.problem().await, (503, "UNAVAILABLE".to_owned()));
}

#[tokio::test]
async fn a_quota_is_used_up_by_its_owner_alone() {
    let rig = Rig::new(|mut heard| async move {
        while heard.messages.message().await?.is_some() {}
        Said::one(&UploadResponse::default())
    });
    let claim = ("content-length", "1500000000");
    let (_held, request) = endless("PUT /v1/sink", &[PNG, TOKEN, claim]);
    let got = rig.open(request).await;
    let wait: u64 = got.header("retry-after").parse().unwrap();
    assert!((3_500..=3_600).contains(&wait), "{wait}");
    assert_eq!(got.problem().await, (429, "QUOTA_EXCEEDED".to_owned()));
    let got = rig.send("PUT /v1/sink", &[PNG], b"abc").await;
    assert_eq!(got.status, StatusCode::OK);
}

#[tokio::test]
async fn a_small_file_may_be_one_message() {
    let rig = Rig::new(|mut heard| async move {
        let file: HttpBody = heard.message().await;
        Said::one(&file)
    });
    let mut got = rig.send("POST /v1/echo", &[PNG], b"\x89PNG").await;
    assert_eq!((got.status, got.header("content-type")), (StatusCode::OK, "image/png"));
    assert_eq!(got.bytes().await.unwrap(), b"\x89PNG");
    let got = rig.send("POST /v1/echo", &[FORM], form(&[]).as_bytes()).await;
    assert_eq!(got.problem().await.0, 415);
    let got = rig.send("POST /v1/echo", &[PNG], &vec![0; MIB + 1]).await;
    assert_eq!(got.problem().await.0, 413);
}
