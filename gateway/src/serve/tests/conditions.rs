//! Entity tags, and clients that have an answer already.

use platform::status::{Reason, refuse};
use proto::{
    auth::v1::{GetUserResponse, User},
    content::v1::{
        DeletePostRequest, DeletePostResponse, GetPostResponse, ListPostsResponse, Post,
        PublishPostResponse,
    },
};

use super::rig::Rig;

const TOKEN: (&str, &str) = ("authorization", "Bearer t");

fn post(title: &str) -> Post {
    Post { id: "p1".to_owned(), title: title.to_owned(), ..Post::default() }
}

#[tokio::test]
async fn what_is_shown_has_a_tag_that_does_not_depend_on_who_asks() {
    let rig = Rig::new(|_| Ok(GetPostResponse { post: Some(post("T")) }));
    let stranger = rig.send("GET /api/posts/1", &[], "").await;
    let tag = stranger.header("etag");
    assert!(tag.starts_with('"') && tag.len() > 20, "{stranger:?}");
    for headers in [
        &[TOKEN][..],
        &[("authorization", "Bearer other")],
        &[("cookie", "__Host-access=a; __Host-session=b")],
    ] {
        let got = rig.send("GET /api/posts/1", headers, "").await;
        assert_eq!(got.header("etag"), tag, "{headers:?}");
    }
    assert_eq!(rig.send("HEAD /api/posts/1", &[], "").await.header("etag"), tag);
    let other = Rig::new(|_| Ok(GetPostResponse { post: Some(post("U")) }));
    assert_ne!(other.send("GET /api/posts/1", &[], "").await.header("etag"), tag);
}

#[tokio::test]
async fn whoever_writes_something_gets_the_tag_of_what_is_there_now() {
    let rig = Rig::new(|_| Ok(PublishPostResponse { post: Some(post("T")) }));
    let written = rig.send("POST /api/posts/p1/publish", &[TOKEN], "").await;
    let rig = Rig::new(|_| Ok(GetPostResponse { post: Some(post("T")) }));
    let read = rig.send("GET /api/posts/p1", &[TOKEN], "").await;
    assert_eq!(written.header("etag"), read.header("etag"));
    assert_ne!(written.header("etag"), "");
}

#[tokio::test]
async fn nothing_is_sent_to_whoever_has_it_already() {
    let rig = Rig::new(|_| Ok(ListPostsResponse { posts: vec![post("T")], next_page_token: None }));
    let line = "GET /api/posts";
    for who in [&[][..], &[TOKEN]] {
        let got = rig.send(line, who, "").await;
        let tag = got.header("etag").to_owned();
        for (held, is_held) in [
            (tag.clone(), true),
            (format!("W/{tag}"), true),
            (format!("\"other\", {tag}"), true),
            ("*".to_owned(), true),
            ("\"other\"".to_owned(), false),
            (tag.replace('"', ""), false),
            (format!("{tag} {tag}"), false),
        ] {
            let headers = [who, &[("if-none-match", &*held)]].concat();
            for line in [line, "HEAD /api/posts"] {
                let again = rig.send(line, &headers, "").await;
                let expected = if is_held { 304 } else { 200 };
                assert_eq!(again.status.as_u16(), expected, "{line} {held}");
                for name in ["etag", "cache-control", "vary", "referrer-policy"] {
                    assert_eq!(again.header(name), got.header(name), "{line} {held} {name}");
                }
                let is_empty = again.body.is_empty() && again.header("content-type").is_empty();
                assert_eq!(is_empty, is_held, "{held}");
            }
        }
    }
}

#[tokio::test]
async fn only_answers_that_show_something_are_compared() {
    let rig = Rig::new(|_| Err::<(), _>(refuse(Reason::NOT_FOUND)));
    let any = [("if-none-match", "*")];
    assert_eq!(rig.send("GET /api/posts/1", &any, "").await.problem().0, 404);
    let rig = Rig::new(|_| Ok(PublishPostResponse { post: Some(post("T")) }));
    let got = rig.send("POST /api/posts/1/publish", &any, "").await;
    assert_eq!(got.problem(), (400, "INVALID_CONDITION".to_owned()), "nobody checks it");
    let got = rig.send("POST /api/posts/1/publish", &[], "").await;
    assert_eq!(got.status.as_u16(), 200);
}

#[tokio::test]
async fn pages_of_our_own_are_compared_too() {
    let rig = Rig::unreachable();
    let json = ("accept", "application/json");
    let got = rig.send("GET /problems", &[json], "").await;
    let held = [json, ("if-none-match", got.header("etag"))];
    let again = rig.send("GET /problems", &held, "").await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
}

#[tokio::test]
async fn what_a_client_may_keep_follows_from_who_asks_for_what() {
    let user = || GetUserResponse { user: Some(User::default()) };
    let rig = Rig::new(move |_| Ok(user()));
    let got = rig.send("GET /api/users/me", &[TOKEN], "").await;
    assert_eq!((got.status.as_u16(), got.header("cache-control")), (200, "no-store"));
    assert_ne!(got.header("etag"), "", "programs may still compare");

    let rig = Rig::new(|_| Ok(GetPostResponse { post: Some(post("T")) }));
    for (headers, expected) in [
        (&[][..], "public, max-age=5"),
        (&[("cookie", "theme=dark")], "public, max-age=5"),
        (&[TOKEN], "private, no-cache"),
        (&[("cookie", "__Host-access=a")], "private, no-cache"),
        (&[("cookie", "__Host-session=a")], "private, no-cache"),
    ] {
        let got = rig.send("GET /api/posts/1", headers, "").await;
        assert_eq!(got.header("cache-control"), expected, "{headers:?}");
        for name in ["Accept-Encoding", "Authorization", "Cookie", "Origin"] {
            assert!(got.header("vary").contains(name), "{headers:?} {got:?}");
        }
    }
    let rig = Rig::new(|_| Ok(PublishPostResponse { post: Some(post("T")) }));
    let got = rig.send("POST /api/posts/1/publish", &[], "").await;
    assert_eq!(got.header("cache-control"), "no-store");
}

#[tokio::test]
async fn lists_lead_to_their_next_page() {
    let rig = Rig::new(|_| {
        let next_page_token = Some("n/1".to_owned());
        Ok(ListPostsResponse { posts: vec![], next_page_token })
    });
    let got = rig.send("GET /api/users/u1/posts?pageSize=2", &[], "").await;
    let expected = "</api/users/u1/posts?pageSize=2&pageToken=n%2F1>; rel=\"next\", \
                    </api/users/u1/posts?pageSize=2>; rel=\"first\"";
    assert_eq!(got.header("link"), expected);
    let kept = rig.send("GET /api/users/u1/posts?page_size=2", &[], "").await;
    assert!(kept.header("link").contains("page_size=2&pageToken"), "each in its own words");
    assert_eq!(rig.calls().len(), 1);
}

#[tokio::test]
async fn a_condition_counts_for_browsers_that_speak_grpc() {
    let rig = Rig::new(|_| Ok(DeletePostResponse {}));
    let delete = "POST /mainstay.content.v1.PostService/DeletePost";
    let json = ("content-type", "application/json");
    let given = [TOKEN, json, ("if-match", "\"7.x\"")];
    rig.send(delete, &given, r#"{"postId": "p1"}"#).await;
    let asked: DeletePostRequest = rig.last_call().decode();
    assert_eq!((&*asked.post_id, &*asked.etag), ("p1", "7"));
    let unchecked = "POST /mainstay.content.v1.PostService/GetPost";
    let got = rig.send(unchecked, &given, r#"{"postId": "p1"}"#).await;
    assert_eq!(got.status.as_u16(), 400, "{got:?}");
}
