//! Answers made smaller, read back by real decoders.

use std::io::Read as _;

use serde_json::json;
use tests::{Answer, Person, Rest, Stack};

fn decoded(answer: &Answer) -> Vec<u8> {
    let (mut plain, bytes) = (Vec::new(), &answer.bytes[..]);
    match answer.header("content-encoding") {
        "zstd" => zstd::Decoder::new(bytes).unwrap().read_to_end(&mut plain),
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain),
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain),
        other => panic!("{other:?}: {answer:?}"),
    }
    .unwrap();
    plain
}

#[tokio::test]
async fn large_answers_come_in_the_coding_that_their_reader_likes() {
    let caches = ["0", "1000000"]
        .map(|bytes| Stack::builder().set("gateway", "MAINSTAY_CACHE_BYTES", bytes).start());
    for stack in caches {
        let stack = stack.await;
        let (ann, stranger) = (Person::user(&stack, "ann").await, Rest::new(stack.gateway.listen));
        let post = json!({"title": "Long", "body": "A sentence of some words. ".repeat(8_000)});
        let written = ann.rest().post("/api/users/me/posts", post).await.expect(201);
        let path = format!("/api/posts/{}", written.text_at("/id"));
        ann.rest().call("POST", &format!("{path}/publish")).send().await.expect(200);
        for reader in [ann.rest(), &stranger] {
            let plain = reader.get(&path).await.expect(200);
            for (accept, coding) in
                [("gzip, deflate, br, zstd", "zstd"), ("br", "br"), ("gzip", "gzip")]
            {
                let ask = |method| reader.call(method, &path).header("accept-encoding", accept);
                let small = ask("GET").send().await.expect(200);
                assert_eq!(small.header("content-encoding"), coding);
                assert_eq!(decoded(&small), plain.bytes, "{coding}");
                assert_eq!(small.header("content-length"), small.bytes.len().to_string());
                assert!(small.bytes.len() < plain.bytes.len() / 10, "{coding}");
                assert!(small.header("vary").contains("Accept-Encoding"), "{small:?}");
                let head = ask("HEAD").send().await.expect(200);
                for name in ["content-length", "content-encoding", "etag"] {
                    assert_eq!(head.header(name), small.header(name), "{coding} {name}");
                }
                let held = ask("GET").header("if-none-match", small.header("etag"));
                held.send().await.expect(304);
            }
        }
    }
}
