//! Cookies and tokens.

use futures_util::future::join_all;
use http::StatusCode;
use platform::status::{Reason, Violation, invalid, refuse};
use prost::Message;
use prost_types::Timestamp;
use proto::{
    auth::v1::{
        CreateSessionResponse, DeleteSessionResponse, GetUserResponse, RefreshSessionRequest,
        RefreshSessionResponse, Session,
    },
    content::v1::GetPostResponse,
};
use tonic::Status;

use super::rig::{Call, Rig};

const JSON: (&str, &str) = ("content-type", "application/json");
const BOTH: (&str, &str) = ("cookie", "__Host-access=old; __Host-session=r1");
const ACCESS: (&str, &str) = ("cookie", "__Host-access=old");
const SESSION: (&str, &str) = ("cookie", "__Host-session=r1");
const CLEARED: [&str; 2] = ["__Host-access=", "__Host-session="];
const RENEWED: [&str; 2] = ["__Host-access=new", "__Host-session=r2"];

/// Services to which `new` is the only good token, and `r1` the only session.
fn play(call: &Call) -> Result<Vec<u8>, Status> {
    match (&*call.method, call.token.as_deref()) {
        (_, Some("old")) => Err(refuse(Reason::TOKEN_EXPIRED)),
        ("RefreshSession", None) => refresh(&call.decode()),
        ("GetUser", None) => Err(refuse(Reason::SIGN_IN_REQUIRED)),
        ("GetUser", Some("new")) => Ok(GetUserResponse::default().encode_to_vec()),
        ("GetPost", None | Some("new")) => Ok(GetPostResponse::default().encode_to_vec()),
        ("DeleteSession", Some("new")) => {
            let gone = Some(String::new());
            Ok(DeleteSessionResponse { access_token: gone.clone(), refresh_token: gone }
                .encode_to_vec())
        }
        ("CreateSession", None | Some("new")) => Ok(signed_in().encode_to_vec()),
        _ => Err(refuse(Reason::TOKEN_INVALID)),
    }
}

fn refresh(request: &RefreshSessionRequest) -> Result<Vec<u8>, Status> {
    match &*request.refresh_token {
        "r1" => Ok(RefreshSessionResponse {
            access_token: Some("new".to_owned()),
            refresh_token: Some("r2".to_owned()),
            ..RefreshSessionResponse::default()
        }
        .encode_to_vec()),
        "long" => Err(invalid([Violation {
            field: "refresh_token".to_owned(),
            code: "TOO_LONG",
            rule: String::new(),
        }])),
        "busy" => Err(refuse(Reason::UNAVAILABLE)),
        _ => Err(refuse(Reason::SESSION_ENDED)),
    }
}

fn signed_in() -> CreateSessionResponse {
    CreateSessionResponse {
        session: Some(Session { id: "s1".to_owned(), ..Session::default() }),
        access_token: Some("t0k3n".to_owned()),
        access_token_expires_at: Some(Timestamp { seconds: 4_000_000_000, nanos: 0 }),
        refresh_token: Some("r3fr35h".to_owned()),
        refresh_token_expires_at: None,
        ..CreateSessionResponse::default()
    }
}

fn rig() -> Rig {
    Rig::slow(|call| {
        let answer = play(call);
        Box::pin(async { answer })
    })
}

#[tokio::test]
async fn tokens_go_into_cookies_and_never_into_a_body() {
    let rig = rig();
    let got = rig.send("POST /api/sessions", &[JSON], r#"{"email":"a","password":"b"}"#).await;
    assert_eq!((got.status, got.header("location")), (StatusCode::CREATED, "/api/sessions/s1"));
    assert_eq!(got.cookies(), ["__Host-access=t0k3n", "__Host-session=r3fr35h"]);
    let body = String::from_utf8(got.body.to_vec()).unwrap();
    assert!(!body.contains("t0k3n") && !body.contains("r3fr35h") && body.contains("s1"), "{body}");
}

#[tokio::test]
async fn a_token_in_a_header_is_carried_as_it_is() {
    let rig = rig();
    let got = rig.send("GET /api/users/me", &[("authorization", "Bearer new"), BOTH], "").await;
    assert_eq!((got.status, got.cookies().len()), (StatusCode::OK, 0));
    let got = rig.send("GET /api/users/me", &[("authorization", "Bearer old"), BOTH], "").await;
    assert_eq!(got.problem(), (401, "TOKEN_EXPIRED".to_owned()));
    assert_eq!(got.header("www-authenticate"), "Bearer");
    assert_eq!(rig.calls(), ["GetUser new", "GetUser old"]);
}

#[tokio::test]
async fn a_good_cookie_is_a_token() {
    let rig = rig();
    let cookie = ("cookie", "a=b; __Host-access=new; __Host-session=r1");
    let got = rig.send("GET /api/users/me", &[cookie], "").await;
    assert_eq!((got.status, got.cookies().len()), (StatusCode::OK, 0));
    assert_eq!(rig.calls(), ["GetUser new"]);
}

#[tokio::test]
async fn an_expired_token_is_exchanged_once() {
    for (cookie, first) in [(BOTH, Some("GetUser old")), (SESSION, None)] {
        let rig = rig();
        let got = rig.send("GET /api/users/me", &[cookie], "").await;
        assert_eq!((got.status, got.cookies()), (StatusCode::OK, RENEWED.to_vec()));
        let expected: Vec<_> = first.into_iter().chain(["RefreshSession", "GetUser new"]).collect();
        assert_eq!(rig.calls(), expected);
    }
}

#[tokio::test]
async fn parallel_requests_share_one_exchange() {
    let rig = Rig::slow(|call| {
        let answer = play(call);
        Box::pin(async {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            answer
        })
    });
    let sent = (0..20).map(|_| rig.send("GET /api/users/me", &[SESSION], ""));
    for got in join_all(sent).await {
        assert_eq!((got.status, got.cookies()), (StatusCode::OK, RENEWED.to_vec()));
    }
    let exchanges = rig.calls().into_iter().filter(|call| call == "RefreshSession").count();
    assert_eq!(exchanges, 1);
    // The next one is a new exchange: nothing is remembered.
    rig.send("GET /api/users/me", &[SESSION], "").await;
    assert_eq!(rig.calls().into_iter().filter(|call| call == "RefreshSession").count(), 2);
}

#[tokio::test]
async fn an_ended_session_leaves_a_stranger() {
    for cookies in
        ["__Host-session=gone", "__Host-session=long", "__Host-access=old; __Host-session=gone"]
    {
        let rig = rig();
        let got = rig.send("GET /api/posts/1", &[("cookie", cookies)], "").await;
        assert_eq!((got.status, got.cookies()), (StatusCode::OK, CLEARED.to_vec()), "{cookies}");
        let got = rig.send("GET /api/users/me", &[("cookie", cookies)], "").await;
        assert_eq!(got.problem(), (401, "SIGN_IN_REQUIRED".to_owned()), "{cookies}");
        assert_eq!(got.cookies(), CLEARED);
    }
}

#[tokio::test]
async fn a_bad_token_without_a_session_leaves_a_stranger() {
    let rig = rig();
    let got = rig.send("GET /api/posts/1", &[ACCESS], "").await;
    assert_eq!((got.status, got.cookies()), (StatusCode::OK, vec!["__Host-access="]));
    assert_eq!(rig.calls(), ["GetPost old", "GetPost"]);
}

#[tokio::test]
async fn when_nobody_knows_the_session_the_cookies_stay() {
    let rig = rig();
    let busy = ("cookie", "__Host-session=busy");
    let got = rig.send("GET /api/posts/1", &[busy], "").await;
    assert_eq!((got.status, got.cookies().len()), (StatusCode::OK, 0));
    let got = rig.send("GET /api/users/me", &[busy], "").await;
    assert_eq!((got.problem().0, got.cookies().len()), (503, 0));
    assert!(!got.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_session_is_refreshed_on_request_from_its_cookie_alone() {
    let rig = rig();
    let line = "POST /api/sessions/current/refresh";
    let got = rig.send(line, &[BOTH], "").await;
    assert_eq!((got.status, got.cookies()), (StatusCode::OK, RENEWED.to_vec()));
    for cookie in ["__Host-session=gone", "__Host-session=long", "x=y"] {
        let got = rig.send(line, &[("cookie", cookie)], "").await;
        assert_eq!(got.problem(), (401, "SESSION_ENDED".to_owned()), "{cookie}");
        assert_eq!(got.cookies(), CLEARED);
    }
    assert_eq!(rig.calls(), ["RefreshSession"; 4]);
    let got = rig.send(line, &[JSON, BOTH], r#"{"refreshToken":"r1"}"#).await;
    assert_eq!(got.json()["errors"][0]["pointer"], "#/refreshToken");
}

#[tokio::test]
async fn signing_in_and_out_has_the_last_word_on_the_cookies() {
    let rig = rig();
    let got = rig.send("DELETE /api/sessions/current", &[BOTH], "").await;
    assert_eq!((got.status, got.cookies()), (StatusCode::NO_CONTENT, CLEARED.to_vec()));
    let got = rig.send("POST /api/sessions", &[JSON, BOTH], "{}").await;
    assert_eq!(got.cookies(), ["__Host-access=t0k3n", "__Host-session=r3fr35h"]);
}

#[tokio::test]
async fn an_answer_with_cookies_is_for_one_reader_only() {
    let rig = Rig::slow(|call| {
        let answer = if call.method == "GetKeySet" { Ok(Vec::new()) } else { play(call) };
        Box::pin(async { answer })
    });
    let got = rig.send("GET /.well-known/jwks.json", &[SESSION], "").await;
    assert_eq!((got.status, got.header("cache-control")), (StatusCode::OK, "no-store"));
}

#[tokio::test]
async fn a_page_of_another_site_cannot_use_the_cookies() {
    let rig = rig();
    for headers in [[BOTH, ("origin", "https://evil.org")], [BOTH, ("sec-fetch-site", "same-site")]]
    {
        let got = rig.send("DELETE /api/sessions/current", &headers, "").await;
        assert_eq!(got.problem(), (403, "CROSS_SITE_REQUEST".to_owned()));
        assert_eq!(got.cookies().len(), 0);
    }
    assert_eq!(rig.calls(), [""; 0]);
}
