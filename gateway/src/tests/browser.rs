//! gRPC for browsers: gRPC-Web and Connect.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use platform::status::{Reason, refuse, refuse_until};
use prost::Message;
use prost_types::Timestamp;
use serde_json::json;
use tonic::{Code, Status};

use super::{
    messages::{Event, RenewRequest, RenewResponse, Say},
    rig::{Count, CountsDrop, Rig, Said},
    web::{frame, say, web},
};

const SERVICE: &str = "/flow.v1.FlowService";
const WEB: (&str, &str) = ("content-type", "application/grpc-web+proto");
const TEXT: (&str, &str) = ("content-type", "application/grpc-web-text");
const PROTO: (&str, &str) = ("content-type", "application/proto");
const JSON: (&str, &str) = ("content-type", "application/json");

/// Says what it hears, and to whom.
fn echoing() -> Rig {
    Rig::new(|mut heard| async move {
        let token = heard.metadata.get("authorization").map(|it| it.to_str().unwrap().to_owned());
        let said: Say = heard.message().await;
        if said.text == "refuse" {
            return Err(refuse(Reason::NOT_FOUND));
        }
        if said.text == "fail" {
            return Err(Status::new(Code::Unknown, "password=hunter2"));
        }
        if said.text == "busy" {
            return Err(refuse_until(Reason::UNAVAILABLE, Duration::from_millis(1_500)));
        }
        Said::one(&Say { text: format!("{}: {}", token.unwrap_or_default(), said.text) })
    })
}

#[tokio::test]
async fn a_method_answers_in_every_protocol() {
    let rig = echoing();
    let cookie = ("cookie", "__Host-access=t");
    let line = &format!("POST {SERVICE}/Say");
    let expected = say("Bearer t: hello");
    let mut got = rig.send(line, &[WEB, cookie], &frame(&say("hello"))).await;
    assert_eq!(web(&mut got).await, (vec![expected.clone()], "grpc-status: 0\r\n".to_owned()));
    let mut got =
        rig.send(line, &[TEXT, cookie], STANDARD.encode(frame(&say("hello"))).as_bytes()).await;
    assert_eq!(web(&mut got).await, (vec![expected.clone()], "grpc-status: 0\r\n".to_owned()));
    let mut got = rig.send(line, &[PROTO, cookie], &say("hello")).await;
    assert_eq!((got.status, got.header("content-type")), (StatusCode::OK, "application/proto"));
    assert_eq!(got.bytes().await.unwrap(), expected);
    let version = ("connect-protocol-version", "1");
    let mut got = rig.send(line, &[JSON, cookie, version], br#"{"text": "hello"}"#).await;
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!(got.json().await, json!({"text": "Bearer t: hello"}));
}

#[tokio::test]
async fn what_changes_nothing_may_be_asked_by_get() {
    let rig = echoing();
    for query in [
        "connect=v1&encoding=json&message=%7B%22text%22%3A%22a%20b%22%7D",
        "connect=v1&encoding=proto&base64=1&message=CgNhIGI&compression=identity",
        "message=CgNhIGI%3D&base64=1&encoding=proto&connect=v1",
    ] {
        let mut got = rig.send(&format!("GET {SERVICE}/Hear?{query}"), &[], b"").await;
        assert_eq!(got.status, StatusCode::OK, "{query}");
        let body = got.bytes().await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains(": a b"), "{query}");
    }
    let got = rig
        .send(&format!("GET {SERVICE}/Say?connect=v1&encoding=json&message=%7B%7D"), &[], b"")
        .await;
    assert_eq!(got.header("allow"), "OPTIONS, POST");
    assert_eq!(got.problem().await, (405, "METHOD_NOT_ALLOWED".to_owned()));
}

#[tokio::test]
async fn refusals_are_told_as_each_protocol_has_them() {
    let rig = echoing();
    let line = &format!("POST {SERVICE}/Say");
    let mut got = rig.send(line, &[WEB], &frame(&say("refuse"))).await;
    let (messages, trailers) = web(&mut got).await;
    assert!(messages.is_empty() && trailers.contains("grpc-status: 5\r\n"), "{trailers}");
    assert!(trailers.contains("grpc-status-details-bin: "), "{trailers}");
    let mut got = rig.send(line, &[JSON], br#"{"text": "refuse"}"#).await;
    assert_eq!((got.status.as_u16(), got.header("content-type")), (404, "application/json"));
    let error = got.json().await;
    assert_eq!(error["code"], "not_found");
    assert_eq!(error["details"][0]["type"], "google.rpc.ErrorInfo");
    let info = base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(error["details"][0]["value"].as_str().unwrap())
        .unwrap();
    assert!(String::from_utf8_lossy(&info).contains("NOT_FOUND"));
    let mut got = rig.send(line, &[PROTO], &say("busy")).await;
    assert_eq!((got.status.as_u16(), got.header("retry-after")), (503, "2"));
    assert_eq!(got.json().await["code"], "unavailable");
    for (headers, body) in [(WEB, frame(&say("fail"))), (PROTO, say("fail"))] {
        let mut got = rig.send(line, &[headers], &body).await;
        let all = String::from_utf8_lossy(&got.bytes().await.unwrap()).into_owned();
        assert!(!all.contains("hunter2") && all.contains("wrong"), "{all}");
    }
}

#[tokio::test]
async fn what_cannot_be_called_is_unimplemented() {
    let rig = echoing();
    for method in ["Nope", "Inner", "Upload"] {
        let mut got = rig.send(&format!("POST {SERVICE}/{method}"), &[WEB], &frame(b"")).await;
        assert!(web(&mut got).await.1.contains("grpc-status: 12\r\n"), "{method}");
        let mut got = rig.send(&format!("POST {SERVICE}/{method}"), &[PROTO], b"").await;
        assert_eq!(
            (got.status.as_u16(), &got.json().await["code"]),
            (501, &json!("unimplemented"))
        );
    }
    let got = rig
        .send(&format!("POST {SERVICE}/Say"), &[("content-type", "application/grpc")], b"")
        .await;
    assert_eq!((got.status, got.header("grpc-status")), (StatusCode::OK, "12"));
    assert!(got.header("grpc-message").contains("gRPC-Web"));
    let got =
        rig.send(&format!("POST {SERVICE}/Say"), &[("content-type", "text/plain")], b"").await;
    assert_eq!(got.problem().await, (415, "UNSUPPORTED_MEDIA_TYPE".to_owned()));
    let got = rig.send(&format!("POST {SERVICE}/Nope"), &[JSON], b"{}").await;
    assert_eq!(got.problem().await, (404, "ROUTE_NOT_FOUND".to_owned()));
    let got = rig.send(&format!("OPTIONS {SERVICE}/Hear"), &[], b"").await;
    assert_eq!((got.status.as_u16(), got.header("allow")), (204, "GET, OPTIONS, POST"));
}

#[tokio::test]
async fn malformed_calls_are_the_callers_fault() {
    let rig = echoing();
    let line = &format!("POST {SERVICE}/Say");
    for body in [&b""[..], b"\0\0\0\0\x09", b"\x01\0\0\0\0", &frame(b"\x0a\x09a")] {
        let mut got = rig.send(line, &[WEB], body).await;
        assert!(web(&mut got).await.1.contains("grpc-status: 3\r\n"), "{body:?}");
    }
    let gzip = ("content-encoding", "gzip");
    let version = ("connect-protocol-version", "2");
    for headers in [&[PROTO, gzip][..], &[PROTO, version]] {
        let mut got = rig.send(line, headers, &say("a")).await;
        assert_eq!(
            (got.status.as_u16(), &got.json().await["code"]),
            (400, &json!("invalid_argument"))
        );
    }
    let mut got = rig.send(line, &[JSON], br#"{"txt": "a"}"#).await;
    let error = got.json().await;
    assert_eq!((got.status.as_u16(), &error["code"]), (400, &json!("invalid_argument")));
    assert!(error["message"].as_str().unwrap().contains("did you mean `text`"), "{error}");
    assert_eq!(error["details"][1]["type"], "google.rpc.BadRequest");
    let mut got = rig.send(line, &[PROTO], &vec![0; 2 << 20]).await;
    assert_eq!((got.status.as_u16(), got.header("connection")), (429, "close"));
    assert_eq!(got.json().await["code"], "resource_exhausted");
}

#[tokio::test]
async fn pages_of_other_sites_call_nothing() {
    let rig = echoing();
    let line = &format!("POST {SERVICE}/Say");
    let site = ("sec-fetch-site", "cross-site");
    let mut got = rig.send(line, &[WEB, site], &frame(&say("a"))).await;
    assert!(web(&mut got).await.1.contains("grpc-status: 7\r\n"));
    let mut got = rig.send(line, &[JSON, site], b"{}").await;
    assert_eq!(
        (got.status.as_u16(), &got.json().await["code"]),
        (403, &json!("permission_denied"))
    );
}

#[tokio::test]
async fn a_browser_never_sees_a_token() {
    let rig = Rig::new(|mut heard| async move {
        let asked: RenewRequest = heard.message().await;
        Said::one(&RenewResponse {
            user: format!("sent {}", asked.refresh_token),
            access_token: Some("secret-access".to_owned()),
            expires_at: Some(Timestamp { seconds: 4_000_000_000, nanos: 0 }),
            refresh_token: Some("secret-refresh".to_owned()),
        })
    });
    let line = &format!("POST {SERVICE}/Renew");
    let cookie = ("cookie", "__Host-session=kept");
    for (kind, body) in [(WEB, frame(b"")), (PROTO, vec![]), (JSON, b"{}".to_vec())] {
        let mut got = rig.send(line, &[kind, cookie], &body).await;
        let cookies = ["__Host-access=secret-access", "__Host-session=secret-refresh"];
        assert_eq!(got.cookies(), cookies, "{kind:?}");
        assert!(got.headers["set-cookie"].to_str().unwrap().contains("Max-Age="));
        let body = got.bytes().await.unwrap();
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("sent kept") && !text.contains("secret"), "{text}");
    }
    // Where a secret comes from is not the page's to choose.
    let own = RenewRequest { refresh_token: "mine".to_owned() }.encode_to_vec();
    let mut got = rig.send(line, &[PROTO, cookie], &own).await;
    let error = got.json().await;
    assert_eq!((got.status.as_u16(), &error["code"]), (400, &json!("invalid_argument")), "{error}");
    let mut got = rig.send(line, &[JSON, cookie], br#"{"refreshToken": "mine"}"#).await;
    assert_eq!((got.status.as_u16(), &got.json().await["code"]), (400, &json!("invalid_argument")));
}

#[tokio::test]
async fn an_expired_token_is_exchanged_on_the_way() {
    let rig = Rig::new(|mut heard| async move {
        match (&*heard.method, heard.metadata.get("authorization")) {
            ("Renew", _) => {
                let access_token = Some("new".to_owned());
                Said::one(&RenewResponse { access_token, ..RenewResponse::default() })
            }
            (_, Some(token)) if token == "Bearer new" => {
                let said: Say = heard.message().await;
                Said::one(&said)
            }
            _ => Err(refuse(Reason::TOKEN_EXPIRED)),
        }
    });
    let cookies = ("cookie", "__Host-access=old; __Host-session=s");
    let mut got =
        rig.send(&format!("POST {SERVICE}/Say"), &[WEB, cookies], &frame(&say("a"))).await;
    assert_eq!(got.cookies(), ["__Host-access=new"]);
    assert_eq!(web(&mut got).await.0, [say("a")]);
}

#[tokio::test]
async fn streams_come_frame_by_frame_and_end_with_their_status() {
    let ended = Count::default();
    let rig = Rig::new({
        let ended = ended.clone();
        move |_| {
            let held = CountsDrop(ended.clone());
            let event = |n: u32| {
                Ok(Bytes::from(Event { id: n.to_string(), ..Event::default() }.encode_to_vec()))
            };
            let events = stream::iter([event(1), event(2), Err(refuse(Reason::NOT_FOUND))]);
            async {
                Said::stream(events.map(move |event| {
                    let _held = &held;
                    event
                }))
            }
        }
    });
    let line = &format!("POST {SERVICE}/Watch");
    for (kind, body) in [(WEB, frame(b"")), (TEXT, STANDARD.encode(frame(b"")).into_bytes())] {
        let mut got = rig.send(line, &[kind], &body).await;
        let (messages, trailers) = web(&mut got).await;
        let ids = messages.iter().map(|it| Event::decode(&it[..]).unwrap().id).collect::<Vec<_>>();
        assert_eq!(ids, ["1", "2"]);
        assert!(trailers.contains("grpc-status: 5\r\n"), "{trailers}");
    }
    ended.reaches(2).await;
    let mut got = rig.send(line, &[PROTO], b"").await;
    assert_eq!((got.status.as_u16(), &got.json().await["code"]), (501, &json!("unimplemented")));
}

#[tokio::test]
async fn callers_who_wait_for_less_are_told_sooner() {
    let rig = Rig::new(|_| std::future::pending());
    let line = &format!("POST {SERVICE}/Say");
    let mut got = rig.send(line, &[PROTO, ("connect-timeout-ms", "100")], &say("a")).await;
    assert_eq!(
        (got.status.as_u16(), &got.json().await["code"]),
        (504, &json!("deadline_exceeded"))
    );
    let mut got = rig.send(line, &[WEB, ("grpc-timeout", "100m")], &frame(&say("a"))).await;
    assert!(web(&mut got).await.1.contains("grpc-status: 4\r\n"));
}
