//! Compressed answers, read back with real decoders.

use std::io::Read;

use proto::content::v1::{GetPostResponse, ListPostsResponse, Post};

use super::rig::{Got, Rig};

const TOKEN: (&str, &str) = ("authorization", "Bearer t");

fn rig(titles: usize) -> Rig {
    let post = |n| Post { id: format!("p{n}"), title: format!("Title {n}"), ..Post::default() };
    let posts: Vec<_> = (0..titles).map(post).collect();
    Rig::new(move |_| Ok(ListPostsResponse { posts: posts.clone(), next_page_token: None }))
}

fn decoded(got: &Got) -> Vec<u8> {
    let (mut plain, bytes) = (Vec::new(), &got.body[..]);
    match got.header("content-encoding") {
        "" => return bytes.to_vec(),
        "zstd" => zstd::Decoder::new(bytes).unwrap().read_to_end(&mut plain),
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain),
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain),
        other => panic!("{other}"),
    }
    .unwrap();
    plain
}

#[tokio::test]
async fn answers_are_compressed_as_their_reader_likes_kept_or_not() {
    let rig = rig(1200);
    let line = "GET /api/posts";
    let plain = rig.send(line, &[], "").await;
    assert_eq!(plain.header("content-encoding"), "");
    assert!(
        plain.body.len() > 64 * 1024,
        "{} is more than is compressed at once",
        plain.body.len()
    );
    for (accept, coding) in [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0.1, gzip;q=0.9", "gzip"),
        ("identity", ""),
        ("*;q=0", ""),
    ] {
        for who in [&[][..], &[TOKEN]] {
            let headers = [who, &[("accept-encoding", accept)]].concat();
            let got = rig.send(line, &headers, "").await;
            assert_eq!(got.header("content-encoding"), coding, "{headers:?}");
            assert_eq!(decoded(&got), plain.body, "{headers:?}");
            assert!(coding.is_empty() || got.body.len() < plain.body.len() / 4, "{headers:?}");
            assert!(got.header("vary").contains("Accept-Encoding"));
            let tag = plain.header("etag").trim_matches('"');
            let suffix = if coding.is_empty() { String::new() } else { format!("-{coding}") };
            assert_eq!(got.header("etag"), format!("\"{tag}{suffix}\""), "{headers:?}");

            let head = rig.send("HEAD /api/posts", &headers, "").await;
            assert_eq!(head.header("content-length"), got.body.len().to_string(), "{headers:?}");
            for name in ["content-encoding", "content-type", "etag", "vary", "cache-control"] {
                assert_eq!(head.header(name), got.header(name), "{headers:?} {name}");
            }
            let held = [&headers[..], &[("if-none-match", got.header("etag"))]].concat();
            let again = rig.send(line, &held, "").await;
            assert_eq!((again.status.as_u16(), again.header("etag")), (304, got.header("etag")));
            assert_eq!(again.header("content-encoding"), "");
        }
    }
}

#[tokio::test]
async fn small_answers_and_those_of_other_types_stay_as_they_are() {
    let any = [("accept-encoding", "gzip, br, zstd")];
    for who in [&any[..], &[any[0], TOKEN]] {
        let got = rig(1).send("GET /api/posts", who, "").await;
        assert_eq!(got.header("content-encoding"), "", "{who:?}");
        assert!(got.header("vary").contains("Accept-Encoding"), "a larger one would be another");
    }
    let post = Post { body: Some("x".repeat(5000)), ..Post::default() };
    let rig = Rig::new(move |_| Ok(GetPostResponse { post: Some(post.clone()) }));
    let got = rig.send("GET /api/posts/1", &any, "").await;
    assert_eq!(got.header("content-encoding"), "zstd");
    assert_eq!(rig.send("GET /livez", &any, "").await.header("content-encoding"), "");
}

#[tokio::test]
async fn problems_and_pages_are_compressed_too() {
    let rig = Rig::unreachable();
    let query = (0..40).map(|n| format!("unknown{n}=1")).collect::<Vec<_>>().join("&");
    let gzip = [("accept-encoding", "gzip")];
    let got = rig.send(&format!("GET /api/posts?{query}"), &gzip, "").await;
    assert_eq!((got.status.as_u16(), got.header("content-encoding")), (400, "gzip"));
    let json: serde_json::Value = serde_json::from_slice(&decoded(&got)).unwrap();
    assert_eq!(json["code"], "UNKNOWN_PARAMETER");
    let page = rig.send("GET /", &gzip, "").await;
    assert_eq!((page.status.as_u16(), page.header("content-encoding")), (200, "gzip"));
    assert!(String::from_utf8(decoded(&page)).unwrap().contains("<title>"));
    assert_eq!(page.header("vary"), "Accept, Accept-Encoding, Origin");
}
