//! Signing in and out, over REST with cookies and over gRPC with tokens.

use database::Pool;
use proto::auth::v1::{CreateSessionRequest, DeleteSessionRequest, GetSessionRequest};
use serde_json::json;
use tests::{PASSWORD, Person, Rest, Stack, refused};
use tonic::Code;

const REFRESH: &str = "/api/sessions/current/refresh";
const CURRENT: &str = "/api/sessions/current";

fn session(id: &str) -> GetSessionRequest {
    GetSessionRequest { session_id: id.to_owned() }
}

#[tokio::test]
async fn signing_in_gives_three_cookies_and_shows_no_token() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let rest = Rest::new(stack.gateway.listen);
    let credentials = json!({"email": ann.email, "password": PASSWORD});
    let signed_in = rest.post("/api/sessions", credentials).await.expect(201);

    assert_eq!(signed_in.text_at("/user/id"), ann.id);
    let location = format!("/api/sessions/{}", signed_in.text_at("/id"));
    assert_eq!(signed_in.header("location"), location);
    assert_eq!(signed_in.header("cache-control"), "no-store");
    let (access, session) = (rest.cookie("__Host-access"), rest.cookie("__Host-session"));
    let (access, session) = (access.unwrap(), session.unwrap());
    for secret in [access.as_str(), session.as_str(), PASSWORD] {
        assert!(!signed_in.text.contains(secret), "a secret in the body: {}", signed_in.text);
    }
    assert!(!signed_in.text.contains("oken"), "no field of a token either: {}", signed_in.text);
    let ages: Vec<u32> = signed_in
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap())
        .map(|cookie| cookie.split("Max-Age=").nth(1).unwrap().split(';').next().unwrap())
        .map(|age| age.parse().unwrap())
        .collect();
    assert!(
        matches!(ages[..], [200..=300, 1_209_000..=1_209_600, 34_559_000..=34_560_000]),
        "{ages:?}"
    );
    rest.get("/api/users/me").await.expect(200);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_look_alike() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let stranger = Person::stranger(&stack);
    let tries = [(ann.email.as_str(), "wrong password"), ("nobody@example.com", PASSWORD)];
    let mut told = Vec::new();
    for (email, password) in tries {
        let credentials = json!({"email": email, "password": password});
        let answer = stranger.rest().post("/api/sessions", credentials).await;
        let answer = answer.refused(401, "INVALID_CREDENTIALS");
        assert_eq!(stranger.rest().cookie("__Host-session"), None);

        let request = CreateSessionRequest {
            email: email.to_owned(),
            password: password.to_owned(),
            ..CreateSessionRequest::default()
        };
        let status = stranger.grpc().sessions().create_session(request).await;
        let status = refused(status, Code::Unauthenticated, "INVALID_CREDENTIALS");
        let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        let status = (status.message().to_owned(), status.details().to_vec());
        told.push((answer.body_of_any_request(), names, status));
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn who_am_i() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let current = ann.rest().get(CURRENT).await.expect(200);
    assert_eq!(current.text_at("/user/username"), "ann");
    let id = current.text_at("/id");
    let path = format!("/api/sessions/{id}");
    assert_eq!(ann.rest().get(&path).await.expect(200).body, current.body);
    bob.rest().get(&path).await.refused(404, "NOT_FOUND");
    Person::stranger(&stack).rest().get(CURRENT).await.refused(401, "SIGN_IN_REQUIRED");

    let mine = ann.grpc().sessions().get_session(session("current")).await.unwrap().into_inner();
    let mine = mine.session.unwrap();
    assert_ne!(mine.id, id, "a session of its own");
    assert_eq!(mine.user.unwrap().id, ann.id);
    let answer = bob.grpc().sessions().get_session(session(&id)).await;
    refused(answer, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_no_other() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let elsewhere = ann.on_another_device(&stack).await;
    let stolen = ann.rest().copy();

    let out = ann.rest().delete(CURRENT).await.expect(204);
    assert_eq!(out.text, "");
    for cookie in ["__Host-access", "__Host-session"] {
        assert_eq!(ann.rest().cookie(cookie), None, "the browser forgets {cookie}");
    }
    ann.rest().get(CURRENT).await.refused(401, "SIGN_IN_REQUIRED");
    stolen.get(CURRENT).await.refused(401, "SESSION_ENDED");
    stolen.post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");
    assert_eq!(stolen.cookie("__Host-session"), None, "a dead cookie is cleared");
    elsewhere.get(CURRENT).await.expect(200);

    let end = || DeleteSessionRequest { session_id: "current".to_owned() };
    let reply = ann.grpc().sessions().delete_session(end()).await.unwrap().into_inner();
    assert_eq!(reply.access_token.as_deref(), Some(""), "tells the client to forget");
    let answer = ann.grpc().sessions().get_session(session("current")).await;
    refused(answer, Code::Unauthenticated, "SESSION_ENDED");
}

#[tokio::test]
async fn nobody_ends_the_session_of_another() {
    let stack = Stack::start().await;
    let (ann, admin) = (Person::user(&stack, "ann").await, Person::admin(&stack, "root").await);
    let id = ann.rest().get(CURRENT).await.expect(200).text_at("/id");
    for person in [&Person::user(&stack, "bob").await, &admin] {
        person.rest().delete(&format!("/api/sessions/{id}")).await.refused(404, "NOT_FOUND");
        let request = DeleteSessionRequest { session_id: id.clone() };
        let answer = person.grpc().sessions().delete_session(request).await;
        refused(answer, Code::NotFound, "NOT_FOUND");
    }
    ann.rest().get(CURRENT).await.expect(200);
    let other = ann.on_another_device(&stack).await;
    other.delete(&format!("/api/sessions/{id}")).await.expect(204);
    assert!(other.cookie("__Host-session").is_some(), "only the other device is signed out");
    ann.rest().get(CURRENT).await.refused(401, "SESSION_ENDED");
}

/// How many of 120 sign-ins at once were judged, were late and were refused; there
/// is nothing else.
async fn storm(stack: &Stack, email: impl Fn(usize) -> String, judged_with: u16) -> [usize; 3] {
    let tries = (0..120).map(|number| {
        let credentials = json!({"email": email(number), "password": PASSWORD});
        async { Rest::new(stack.gateway.listen).post("/api/sessions", credentials).await }
    });
    let [mut judged, mut late, mut refused] = [0, 0, 0];
    for answer in futures_util::future::join_all(tries).await {
        match answer.status {
            status if status == judged_with => judged += 1,
            // On a busy machine the end of the queue is not reached in time.
            504 => {
                answer.refused(504, "DEADLINE_EXCEEDED");
                late += 1;
            }
            _ => {
                let answer = answer.refused(429, "TOO_BUSY");
                assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{answer:?}");
                refused += 1;
            }
        }
    }
    [judged, late, refused]
}

#[tokio::test]
async fn a_storm_of_sign_ins_is_bounded() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    // To one address: so many have a place in its line.
    let counts = storm(&stack, |_| ann.email.clone(), 201).await;
    let [served, late, refused] = counts;
    assert!(served + late >= 25 && served >= 10 && refused >= 1, "{counts:?}");
    ann.rest().get(CURRENT).await.expect(200);
    // To all: so many have a place in the queue.
    let counts = storm(&stack, |number| format!("nobody{number}@example.com"), 401).await;
    let [judged, late, refused] = counts;
    assert!(judged + late >= 60 && judged >= 10 && refused >= 1, "{counts:?}");
    ann.rest().get(CURRENT).await.expect(200);
}

#[tokio::test]
async fn a_sign_in_link_works_once() {
    let stack = Stack::start().await;
    let pool = Pool::new(&stack.databases.auth.url, 1).unwrap();
    auth::operator::ensure_admin(&pool, "admin@example.com").await.unwrap();
    let token = auth::operator::sign_in_link(&pool, "admin@example.com").await.unwrap();
    let link = json!({"token": token});
    let redeem = "/api/sign-in-links/redeem";
    let (first, second) = (Rest::new(stack.gateway.listen), Rest::new(stack.gateway.listen));
    let signed_in = first.post(redeem, link.clone()).await.expect(200);
    assert_eq!(signed_in.body["user"]["roles"], json!(["admin"]));
    first.get("/api/users").await.expect(200);
    second.post(redeem, link).await.refused(401, "SIGN_IN_LINK_INVALID");
    second.post(redeem, json!({"token": "guess"})).await.refused(401, "SIGN_IN_LINK_INVALID");
    assert_eq!(second.cookie("__Host-session"), None);
}

#[tokio::test]
async fn nobody_signs_in_to_an_account_without_a_password() {
    let stack = Stack::start().await;
    let pool = Pool::new(&stack.databases.auth.url, 1).unwrap();
    auth::operator::ensure_admin(&pool, "admin@example.com").await.unwrap();
    let rest = Rest::new(stack.gateway.listen);
    let credentials = json!({"email": "admin@example.com", "password": PASSWORD});
    rest.post("/api/sessions", credentials).await.refused(401, "INVALID_CREDENTIALS");
    let credentials = json!({"email": "admin@example.com", "password": ""});
    rest.post("/api/sessions", credentials).await.refused(422, "INVALID_FIELDS");
}
