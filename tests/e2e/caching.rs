//! Entity tags, and answers that are kept: for every stranger, and nobody else.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tests::{Answer, Person, Rest, Stack, eventually, metrics, raw};

/// More than the contract lets anybody keep a post.
const KEPT: Duration = Duration::from_secs(15);

async fn caching() -> Stack {
    Stack::builder().set("gateway", "MAINSTAY_CACHE_BYTES", "1000000").start().await
}

async fn get_unless(rest: &Rest, path: &str, tag: &str) -> Answer {
    rest.call("GET", path).header("if-none-match", tag).send().await
}

#[tokio::test]
async fn a_crowd_of_strangers_costs_one_call() {
    let stack = caching().await;
    let id = Person::user(&stack, "ann").await.publish("Hello").await;
    let before = metrics(&stack.content).await.served("GetPost");
    let path = format!("/api/posts/{id}");
    let asking = (0..50).map(|n| {
        let (path, coding) = (&path, ["gzip", "br", "zstd", "identity"][n % 4]);
        let stranger = Rest::new(stack.gateway.listen);
        async move { stranger.call("GET", path).header("accept-encoding", coding).send().await }
    });
    for answer in join_all(asking).await {
        assert_eq!((answer.status, answer.header("cache-control")), (200, "public, max-age=5"));
    }
    let calls = metrics(&stack.content).await.served("GetPost") - before;
    assert_eq!(format!("{calls}"), "1");
    let gateway = metrics(&stack.gateway).await;
    let requests = |result| gateway.sum("gateway_cache_requests_total", result).to_string();
    assert_eq!((requests("\"miss\""), requests("\"hit\"")), ("1".to_owned(), "49".to_owned()));
}

#[tokio::test]
async fn strangers_see_a_change_in_the_time_that_the_contract_says() {
    let stack = caching().await;
    let (ann, stranger) = (Person::user(&stack, "ann").await, Rest::new(stack.gateway.listen));
    let id = ann.write("Hello").await;
    let path = format!("/api/posts/{id}");
    stranger.get(&path).await.refused(404, "NOT_FOUND");
    ann.rest().call("POST", &format!("{path}/publish")).send().await.expect(200);
    let shown = stranger.get(&path).await.expect(200);
    assert_eq!(shown.header("age"), "", "that it was missing was not kept");
    ann.rest().delete(&path).await.expect(204);
    ann.rest().get(&path).await.refused(404, "NOT_FOUND");
    let age: u64 = stranger.get(&path).await.expect(200).header("age").parse().unwrap();
    assert!((1..=5).contains(&age), "{age}");
    let gone = async || (stranger.get(&path).await.status == 404).then_some(());
    eventually("the post is gone for strangers too", KEPT, gone).await;
}

#[tokio::test]
async fn what_is_shown_to_one_person_is_kept_from_all_others() {
    let stack = caching().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let stranger = Rest::new(stack.gateway.listen);
    let draft = format!("/api/posts/{}", ann.write("Draft").await);
    let list = format!("/api/users/{}/posts", ann.id);
    let everybody = [bob.rest(), &stranger];
    for round in 0..3 {
        let mine = ann.rest().get(&draft).await.expect(200);
        assert_eq!((mine.header("cache-control"), mine.header("age")), ("private, no-cache", ""));
        let drafts = ann.rest().get(&list).await.expect(200);
        assert_eq!(drafts.body["posts"].as_array().unwrap().len(), 1, "{round}");
        assert_eq!(drafts.header("cache-control"), "private, no-cache");
        for other in everybody {
            other.get(&draft).await.refused(404, "NOT_FOUND");
            let theirs = other.get(&list).await.expect(200);
            assert_eq!(theirs.body["posts"], json!([]), "{round}");
            let held = get_unless(other, &draft, mine.header("etag")).await;
            held.refused(404, "NOT_FOUND");
            get_unless(other, &list, drafts.header("etag")).await.expect(200);
        }
        let account = ann.rest().get("/api/users/me").await.expect(200);
        assert_eq!(account.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn a_tag_names_what_is_there_until_it_changes() {
    let stack = Stack::start().await;
    let (ann, stranger) = (Person::user(&stack, "ann").await, Rest::new(stack.gateway.listen));
    let id = ann.write("Hello").await;
    let path = format!("/api/posts/{id}");
    let draft = ann.rest().get(&path).await.expect(200);
    let again = get_unless(ann.rest(), &path, draft.header("etag")).await.expect(304);
    assert_eq!((again.text.as_str(), again.header("etag")), ("", draft.header("etag")));
    assert!(!again.header("x-request-id").is_empty());

    let published = ann.rest().call("POST", &format!("{path}/publish")).send().await.expect(200);
    assert_ne!(published.header("etag"), draft.header("etag"));
    get_unless(ann.rest(), &path, draft.header("etag")).await.expect(200);
    for reader in [ann.rest(), &stranger] {
        let read = reader.get(&path).await.expect(200);
        assert_eq!(read.header("etag"), published.header("etag"), "the same for everybody");
        get_unless(reader, &path, published.header("etag")).await.expect(304);
    }
    let elsewhere = ann.on_another_device(&stack).await;
    get_unless(&elsewhere, &path, published.header("etag")).await.expect(304);
}

#[tokio::test]
async fn lists_lead_to_their_pages_and_are_the_same_until_they_change() {
    let stack = Stack::start().await;
    let (ann, stranger) = (Person::user(&stack, "ann").await, Rest::new(stack.gateway.listen));
    for n in 0..5 {
        ann.publish(&format!("Post {n}")).await;
    }
    let (mut path, mut seen) = ("/api/posts?pageSize=2".to_owned(), 0);
    loop {
        let page = stranger.get(&path).await.expect(200);
        seen += page.body["posts"].as_array().unwrap().len();
        get_unless(&stranger, &path, page.header("etag")).await.expect(304);
        let link = page.header("link").to_owned();
        assert!(link.contains("</api/posts?pageSize=2>; rel=\"first\""), "{link}");
        let Some((next, _)) = link.split_once(">; rel=\"next\"") else { break };
        path = next.trim_start_matches('<').to_owned();
    }
    assert_eq!(seen, 5);
    let page = stranger.get("/api/posts?pageSize=2").await.expect(200);
    ann.publish("One more").await;
    get_unless(&stranger, "/api/posts?pageSize=2", page.header("etag")).await.expect(200);
}

#[tokio::test]
async fn an_answer_without_a_body_leaves_the_connection_in_order() {
    let stack = Stack::start().await;
    let one = "GET /api/posts HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n";
    let both = format!("{one}if-none-match: *\r\n\r\n{one}connection: close\r\n\r\n");
    let answers = raw::exchange(stack.gateway.listen, both.as_bytes()).await;
    assert!(answers.starts_with("HTTP/1.1 304"), "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1, "{answers}");
    let (first, _) = answers.split_once("\r\n\r\n").unwrap();
    let first = first.to_lowercase();
    assert!(!first.contains("\ncontent-length:") && !first.contains("\ncontent-type:"), "{first}");
}
