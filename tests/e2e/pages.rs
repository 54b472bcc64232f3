//! Lists of posts, page by page.

use std::collections::BTreeSet;

use proto::content::v1::ListPostsRequest;
use serde_json::json;
use tests::{Answer, Person, Rest, Stack, metrics, refused};
use tonic::Code;

fn titles(page: &Answer) -> Vec<String> {
    let posts = page.body["posts"].as_array().unwrap().iter();
    posts.map(|post| post["title"].as_str().unwrap().to_owned()).collect()
}

fn next(page: &Answer) -> Option<String> {
    page.body["nextPageToken"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn three_pages_have_neither_gaps_nor_doubles_while_others_publish() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for number in 0..12 {
        ann.publish(&format!("Post {number}")).await;
    }
    let expected: Vec<_> = (0..12).rev().map(|number| format!("Post {number}")).collect();
    for list in ["/api/posts?", &format!("/api/users/{}/posts?", ann.id)] {
        let (mut seen, mut late, mut token) = (Vec::new(), Vec::new(), String::new());
        loop {
            let page = ann.rest().get(&format!("{list}pageSize=5{token}")).await.expect(200);
            seen.extend(titles(&page));
            let Some(next) = next(&page) else { break };
            token = format!("&pageToken={next}");
            late.push(ann.publish(&format!("Late {}", late.len())).await);
        }
        assert_eq!((seen, late.len()), (expected.clone(), 2), "three pages of {list}");
        // The next list begins like the first.
        for id in late {
            ann.rest().delete(&format!("/api/posts/{id}")).await.expect(204);
        }
    }
}

#[tokio::test]
async fn new_posts_come_first_and_do_not_shift_the_pages_behind() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for number in 0..4 {
        ann.publish(&format!("Post {number}")).await;
    }
    let first = ann.rest().get("/api/posts?pageSize=2").await.expect(200);
    ann.publish("Newest").await;
    let token = next(&first).unwrap();
    let second = ann.rest().get(&format!("/api/posts?pageSize=2&pageToken={token}")).await;
    assert_eq!(titles(&second.expect(200)), ["Post 1", "Post 0"]);
    assert_eq!(titles(&ann.rest().get("/api/posts?pageSize=1").await), ["Newest"]);
}

#[tokio::test]
async fn lists_are_lean_and_bounded() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for number in 0..21 {
        ann.publish(&format!("Post {number}")).await;
    }
    let page = ann.rest().get("/api/posts").await.expect(200);
    assert_eq!(titles(&page).len(), 20, "the default");
    assert_eq!(page.body["posts"][0].get("body"), None, "no bodies in lists");
    let all = ann.rest().get("/api/posts?pageSize=100").await.expect(200);
    assert_eq!((titles(&all).len(), all.body.get("nextPageToken")), (21, None));
    let exact = ann.rest().get("/api/posts?pageSize=21").await.expect(200);
    assert_eq!(exact.body.get("nextPageToken"), None, "a full last page is the last page");
    for size in ["0", "-1", "101", "2147483648", "x", ""] {
        let page = ann.rest().get(&format!("/api/posts?pageSize={size}")).await;
        page.refused(400, "INVALID_PARAMETER");
    }
    let request = ListPostsRequest { page_size: Some(101), ..ListPostsRequest::default() };
    let answer = ann.grpc().posts().list_posts(request).await;
    refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
}

#[tokio::test]
async fn page_tokens_are_good_for_their_own_list_only() {
    let (stack, elsewhere) = (Stack::start().await, Stack::start().await);
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&elsewhere, "bob").await);
    for number in 0..3 {
        ann.publish(&format!("Post {number}")).await;
        bob.publish(&format!("Post {number}")).await;
    }
    let token = async |rest: &Rest| next(&rest.get("/api/posts?pageSize=1").await).unwrap();
    let (own, foreign) = (token(ann.rest()).await, token(bob.rest()).await);
    let mut tampered = own.clone().into_bytes();
    tampered[20] = if tampered[20] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(tampered).unwrap();
    let tries = [
        ("/api/posts", foreign.as_str(), "PAGE_TOKEN_INVALID"),
        ("/api/posts", tampered.as_str(), "PAGE_TOKEN_INVALID"),
        ("/api/posts", "2", "PAGE_TOKEN_INVALID"),
        ("/api/users/me/posts", own.as_str(), "PAGE_TOKEN_MISMATCH"),
    ];
    for (list, token, reason) in tries {
        let page = ann.rest().get(&format!("{list}?pageToken={token}")).await;
        page.refused(400, reason);
        let user_id = if list == "/api/posts" { "" } else { "me" };
        let request = ListPostsRequest {
            user_id: user_id.to_owned(),
            page_token: token.to_owned(),
            page_size: None,
        };
        let answer = ann.grpc().posts().list_posts(request).await;
        refused(answer, Code::InvalidArgument, reason);
    }
    // The size may change from page to page.
    let page = ann.rest().get(&format!("/api/posts?pageSize=2&pageToken={own}")).await;
    assert_eq!(titles(&page.expect(200)), ["Post 1", "Post 0"]);
}

#[tokio::test]
async fn a_list_of_somebody_who_is_not_there_is_empty_or_not_found() {
    let stack = Stack::start().await;
    let stranger = Person::stranger(&stack);
    let nobody = "/api/users/0197c5aa-bbcc-7000-8000-000000000000/posts";
    assert_eq!(stranger.rest().get(nobody).await.expect(200).body, json!({"posts": []}));
    stranger.rest().get("/api/users/nonsense/posts").await.refused(404, "NOT_FOUND");
    stranger.rest().get("/api/users/me/posts").await.refused(401, "SIGN_IN_REQUIRED");
}

#[tokio::test]
async fn authors_are_looked_up_once_for_each_page() {
    let stack = Stack::start().await;
    for name in ["ann", "bob", "cid"] {
        let person = Person::user(&stack, name).await;
        for number in 0..3 {
            person.publish(&format!("{name} {number}")).await;
        }
    }
    let stranger = Person::stranger(&stack);
    let asked = async || metrics(&stack.auth).await.served("BatchGetProfiles");
    let before = asked().await;
    let page = stranger.rest().get("/api/posts?pageSize=9").await.expect(200);
    let posts = page.body["posts"].as_array().unwrap();
    let names: BTreeSet<_> = posts.iter().map(|post| post["author"]["username"].as_str()).collect();
    assert_eq!(names, [Some("ann"), Some("bob"), Some("cid")].into());
    assert!((asked().await - before - 1.0).abs() < 0.1, "one call for nine posts");
}

#[tokio::test]
async fn pages_are_served_without_names_while_auth_is_down() {
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.publish("Still here").await;
    stack.auth.kill();
    let stranger = Person::stranger(&stack);
    let page = stranger.rest().get("/api/posts").await.expect(200);
    let author = json!({"id": ann.id, "username": "", "displayName": ""});
    assert_eq!(
        (titles(&page), &page.body["posts"][0]["author"]),
        (vec!["Still here".into()], &author)
    );
    stranger.rest().get(&format!("/api/posts/{id}")).await.expect(200);
    // Whoever is signed in goes on: their token is verified without auth.
    ann.rest().get(&format!("/api/posts/{id}")).await.expect(200);
    ann.write("Written meanwhile").await;
    let refused = ann.rest().get("/api/users/me").await.refused(503, "UNAVAILABLE");
    assert!(refused.header("retry-after").parse::<u32>().is_ok(), "{refused:?}");

    stack.auth.start_again().await;
    let named =
        tests::eventually("names are back", std::time::Duration::from_secs(10), async || {
            let page = stranger.rest().get("/api/posts").await.expect(200);
            let name = page.body["posts"][0]["author"]["username"].clone();
            (name != "").then_some(name)
        });
    assert_eq!(named.await, "ann");
}
