//! gRPC for browsers, against the whole product: a page signs in, writes and reads,
//! and a client of others does, too.

use std::{path::Path, process::Stdio, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost::Message;
use proto::{
    auth::v1::{GetUserRequest, GetUserResponse},
    content::v1::{GetPostRequest, GetPostResponse},
};
use serde_json::{Value, json};
use tests::{Answer, Person, Rest, Stack, within};
use tokio::process::Command;

const USERS: &str = "/mainstay.auth.v1.UserService";
const SESSIONS: &str = "/mainstay.auth.v1.SessionService";
const POSTS: &str = "/mainstay.content.v1.PostService";

async fn connect(rest: &Rest, method: &str, message: Value) -> Answer {
    let call = rest.call("POST", method).header("connect-protocol-version", "1");
    call.header("sec-fetch-site", "same-origin").json(&message).send().await
}

/// A call over gRPC-Web, as text: the messages and the trailers.
async fn grpc_web(rest: &Rest, method: &str, message: &impl Message) -> (Vec<Vec<u8>>, String) {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let frame = [&[0][..], &length, &message].concat();
    let call = rest.call("POST", method).header("content-type", "application/grpc-web-text");
    let answer = call.body(STANDARD.encode(frame)).send().await.expect(200);
    let frames = STANDARD.decode(&answer.text).unwrap();
    let (mut messages, mut rest, mut trailers) = (Vec::new(), &frames[..], String::new());
    while let [kind, a, b, c, d, after @ ..] = rest {
        let (content, after) = after.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
        match kind {
            0 => messages.push(content.to_vec()),
            _ => trailers.push_str(str::from_utf8(content).unwrap()),
        }
        rest = after;
    }
    (messages, trailers)
}

#[tokio::test]
async fn a_page_uses_the_product_without_ever_seeing_a_token() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let page = Rest::new(stack.gateway.listen);
    let credentials = json!({"email": ann.email, "password": tests::PASSWORD});
    let signed_in =
        connect(&page, &format!("{SESSIONS}/CreateSession"), credentials).await.expect(200);
    let token = page.cookie("__Host-access").expect("a cookie");
    let session = page.cookie("__Host-session").expect("a cookie");
    assert!(!signed_in.text.contains(&token) && !signed_in.text.contains(&session));

    let me = GetUserRequest { user_id: "me".to_owned() };
    let (messages, trailers) = grpc_web(&page, &format!("{USERS}/GetUser"), &me).await;
    assert_eq!(trailers, "grpc-status: 0\r\n");
    let user = GetUserResponse::decode(&messages[0][..]).unwrap().user.unwrap();
    assert_eq!(user.username, "ann");

    let post = json!({"userId": "me", "title": "Hello", "body": "World"});
    let written = connect(&page, &format!("{POSTS}/CreatePost"), post).await.expect(200);
    let post_id = written.text_at("/post/id");
    let stranger = Rest::new(stack.gateway.listen);
    let asked = GetPostRequest { post_id: post_id.clone() };
    let (messages, trailers) = grpc_web(&stranger, &format!("{POSTS}/GetPost"), &asked).await;
    assert!(messages.is_empty() && trailers.contains("grpc-status: 5\r\n"), "a draft: {trailers}");
    let publish = json!({"postId": post_id});
    connect(&page, &format!("{POSTS}/PublishPost"), publish).await.expect(200);
    let (messages, _) = grpc_web(&stranger, &format!("{POSTS}/GetPost"), &asked).await;
    let read = GetPostResponse::decode(&messages[0][..]).unwrap().post.unwrap();
    assert_eq!(read.title, "Hello");

    // The session is renewed on the way, and its new tokens are cookies again.
    page.set_cookie("__Host-access", None);
    connect(&page, &format!("{USERS}/GetUser"), json!({"userId": "me"})).await.expect(200);
    assert!(page.cookie("__Host-access").is_some_and(|renewed| renewed != token));
    let refreshed =
        connect(&page, &format!("{SESSIONS}/RefreshSession"), json!({})).await.expect(200);
    for secret in ["__Host-access", "__Host-session"].map(|name| page.cookie(name).unwrap()) {
        assert!(!refreshed.text.contains(&secret), "{}", refreshed.text);
    }
}

#[tokio::test]
async fn refusals_are_those_of_the_services() {
    let stack = Stack::start().await;
    let nobody = Rest::new(stack.gateway.listen);
    let me = json!({"userId": "me"});
    let refused = connect(&nobody, &format!("{USERS}/GetUser"), me.clone()).await.expect(401);
    assert_eq!(refused.text_at("/code"), "unauthenticated");
    let page = nobody.call("POST", &format!("{USERS}/GetUser"));
    let page = page.header("sec-fetch-site", "cross-site").json(&me).send().await.expect(403);
    assert_eq!(page.text_at("/code"), "permission_denied");
    let unknown = nobody.call("POST", &format!("{USERS}/ForgetUser"));
    let unknown = unknown.header("content-type", "application/proto").send().await.expect(501);
    assert_eq!(unknown.text_at("/code"), "unimplemented");
}

#[tokio::test]
async fn the_clients_of_others_are_served() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let post_id = ann.publish("Hello").await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for protocol in ["connect", "grpcweb"] {
        for (id, said) in [(&*post_id, "\"title\":\"Hello\""), ("nope", "\"code\":\"not_found\"")] {
            let url = format!("http://{}{POSTS}/GetPost", stack.gateway.listen);
            let data = json!({"postId": id}).to_string();
            let mut buf = Command::new(root.join("deploy/buf"));
            buf.current_dir(root).stdin(Stdio::null()).kill_on_drop(true);
            buf.args(["curl", "--schema", "proto", "--protocol", protocol, "-d", &data, &url]);
            let ended = within("buf ends", Duration::from_mins(3), buf.output()).await.unwrap();
            let all = [ended.stdout, ended.stderr].concat();
            let all = String::from_utf8(all).unwrap().replace(['\n', ' '], "");
            assert!(all.contains(said), "{protocol} of {id}: {all}");
        }
    }
}
