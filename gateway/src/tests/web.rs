//! A client of gRPC-Web.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use prost::Message;

use super::{messages::Say, rig::Got};

pub(super) fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0][..], &length, message].concat()
}

pub(super) fn say(text: &str) -> Vec<u8> {
    Say { text: text.to_owned() }.encode_to_vec()
}

/// The messages of an answer, and its trailers.
pub(super) fn frames(mut body: &[u8]) -> (Vec<Vec<u8>>, String) {
    let (mut messages, mut trailers) = (Vec::new(), None);
    while let [kind, a, b, c, d, rest @ ..] = body {
        assert!(trailers.is_none(), "trailers come last");
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap();
        let (content, after) = rest.split_at(length);
        match kind {
            0 => messages.push(content.to_vec()),
            0x80 => trailers = Some(String::from_utf8(content.to_vec()).unwrap()),
            other => panic!("a frame of kind {other}"),
        }
        body = after;
    }
    assert!(body.is_empty());
    (messages, trailers.expect("trailers"))
}

pub(super) async fn web(got: &mut Got) -> (Vec<Vec<u8>>, String) {
    assert_eq!(got.status, StatusCode::OK);
    let body = got.bytes().await.unwrap();
    match got.header("content-type") {
        "application/grpc-web+proto" => frames(&body),
        "application/grpc-web-text+proto" => {
            let text = String::from_utf8(body).unwrap();
            let groups = text.as_bytes().chunks(4).map(|group| STANDARD.decode(group).unwrap());
            frames(&groups.flatten().collect::<Vec<_>>())
        }
        other => panic!("{other}"),
    }
}
