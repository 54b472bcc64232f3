//! Files in forms, and files that need a new token first.

use std::convert::Infallible;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::StreamBody;
use platform::status::{Reason, refuse};
use serde_json::json;

use super::{
    messages::{RenewRequest, RenewResponse},
    rig::{Count, Rig, Said},
    uploads::{FORM, MIB, PNG, TOKEN, form, take, taking},
};

#[tokio::test]
async fn a_form_is_its_one_file() {
    let rig = taking();
    let line = "POST /v1/files/a?isPublic=true";
    let file = "name=\"f\"; filename=\"x.txt\"\r\ncontent-type: text/plain";
    let text = "line\r\n--X\r\n--".repeat(10_000);
    let mut got = rig.send(line, &[TOKEN, FORM], form(&[(file, &text)]).as_bytes()).await;
    let answer = got.json().await;
    assert_eq!((&answer["size"], &answer["mediaType"]), (&json!(text.len()), &json!("text/plain")));
    let mut got =
        rig.send(line, &[TOKEN, FORM], form(&[("name=f; filename=x", "")]).as_bytes()).await;
    assert_eq!(got.json().await["mediaType"], "application/octet-stream");
}

#[tokio::test]
async fn other_forms_are_refused_and_never_look_complete() {
    let ended = Count::default();
    let rig = Rig::new({
        let ended = ended.clone();
        move |mut heard| {
            let ended = ended.clone();
            async move {
                let answer = take(&mut heard).await?;
                ended.add(1);
                Said::one(&answer)
            }
        }
    });
    let file = "name=f; filename=x";
    let cut = form(&[(file, "abc")]).replace("--XX--", "");
    let long = format!("name=f; filename=\"{}\"", "x".repeat(2 * MIB));
    for (body, says) in [
        (form(&[(file, "abc"), (file, "def")]), "has a second part"),
        (form(&[("name=f", "abc")]), "not a file"),
        (form(&[]), "has no part"),
        (cut, "ended before"),
        (form(&[(&long, "abc")]), "too much that is not its file"),
        ("nonsense".to_owned(), "ended before"),
    ] {
        let pieces = body.into_bytes().chunks(4096).map(Bytes::copy_from_slice).collect::<Vec<_>>();
        let pieces = pieces.into_iter().map(|it| Ok::<_, Infallible>(http_body::Frame::data(it)));
        let body = StreamBody::new(futures_util::stream::iter(pieces));
        let request = Rig::request("PUT /v1/sink").header(FORM.0, FORM.1).body(body).unwrap();
        let mut got = rig.open(request).await;
        let problem = got.json().await;
        assert_eq!(problem["code"], "MALFORMED_REQUEST", "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
    assert_eq!(ended.get(), 0);
}

#[tokio::test]
async fn a_form_is_read_no_faster_than_it_is_taken() {
    let gate = Count::default();
    let rig = Rig::new({
        let gate = gate.clone();
        move |mut heard| {
            let gate = gate.clone();
            async move {
                gate.reaches(1).await;
                Said::one(&take(&mut heard).await?)
            }
        }
    });
    let read = Count::default();
    let counted = read.clone();
    // All of it is there at once, and more than the parser may keep.
    let head = form(&[("name=f; filename=x", "")]).replace("\r\n--XX--\r\n", "");
    let pieces = (0..20 * 16).map(|_| Bytes::from(vec![0; MIB / 16]));
    let tail = Bytes::from_static(b"\r\n--XX--\r\n");
    let all = [Bytes::from(head)].into_iter().chain(pieces).chain([tail]);
    let all = all.map(move |piece| {
        counted.add(piece.len());
        Ok::<_, Infallible>(http_body::Frame::data(piece))
    });
    let body = StreamBody::new(futures_util::stream::iter(all));
    let request = Rig::request("PUT /v1/sink").header(FORM.0, FORM.1).body(body).unwrap();
    let watch = async {
        let held = read.rests().await;
        assert!(held < 4 * MIB, "{held} bytes wait for a service that takes none");
        gate.add(1);
    };
    let (got, ()) = tokio::join!(rig.open(request), watch);
    assert_eq!(got.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_of_another_site_sends_no_files() {
    let rig = taking();
    let body = form(&[("name=f; filename=x", "abc")]);
    let cookie = ("cookie", "__Host-access=t");
    for site in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.org")] {
        let got = rig.send("PUT /v1/sink", &[FORM, cookie, site], body.as_bytes()).await;
        assert_eq!(got.problem().await, (403, "CROSS_SITE_REQUEST".to_owned()));
    }
}

#[tokio::test]
async fn an_expired_token_is_exchanged_before_the_file_is_sent() {
    let sent = Count::default();
    let rig = Rig::new({
        let sent = sent.clone();
        move |mut heard| {
            let sent = sent.clone();
            async move {
                if heard.method == "Renew" {
                    let asked: RenewRequest = heard.message().await;
                    assert_eq!(asked.refresh_token, "old");
                    let (access_token, refresh_token) =
                        (Some("new".to_owned()), Some("next".to_owned()));
                    return Said::one(&RenewResponse {
                        access_token,
                        refresh_token,
                        ..RenewResponse::default()
                    });
                }
                assert_eq!(heard.metadata["authorization"], "Bearer new");
                sent.add(1);
                Said::one(&take(&mut heard).await?)
            }
        }
    });
    let expired = format!("h.{}.s", URL_SAFE_NO_PAD.encode(r#"{"sub":"ann","exp":1000}"#));
    let cookies = format!("__Host-access={expired}; __Host-session=old");
    let got = rig.send("PUT /v1/sink", &[PNG, ("cookie", &cookies)], b"abc").await;
    assert_eq!((got.status, sent.get()), (StatusCode::OK, 1));
    assert_eq!(got.cookies(), ["__Host-access=new", "__Host-session=next"]);
}

#[tokio::test]
async fn a_token_that_is_refused_all_the_same_is_new_next_time() {
    let rig = Rig::new(|heard| async move {
        match &*heard.method {
            "Renew" => {
                let access_token = Some("new".to_owned());
                Said::one(&RenewResponse { access_token, ..RenewResponse::default() })
            }
            _ => Err(refuse(Reason::TOKEN_INVALID)),
        }
    });
    let cookies = ("cookie", "__Host-access=opaque; __Host-session=old");
    let got = rig.send("PUT /v1/sink", &[PNG, cookies], b"abc").await;
    assert_eq!(got.cookies(), ["__Host-access=new"]);
    assert_eq!(got.problem().await, (401, "TOKEN_INVALID".to_owned()));
}
