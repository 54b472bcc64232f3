//! Logs: one request is found in all of them, and no secret in any.

use std::time::Duration;

use proto::auth::v1::GetKeySetRequest;
use serde_json::{Value, json};
use tests::{Forge, PASSWORD, Person, Rest, Service, Stack, eventually};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn no_secret_reaches_a_log() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let rest = Rest::new(stack.gateway.listen);
    let private = "the text of a draft";
    let mut secrets = vec![PASSWORD.to_owned(), ann.email.clone(), private.to_owned()];
    secrets.push("wrong-password-4711".to_owned());
    secrets.push("other@example.com".to_owned());

    let guess = json!({"email": ann.email, "password": "wrong-password-4711"});
    rest.post("/api/sessions", guess.clone()).await.expect(401);
    let credentials = json!({"email": ann.email, "password": PASSWORD});
    rest.post("/api/sessions", credentials).await.expect(201);
    let twice = json!({"email": ann.email, "username": "other", "password": PASSWORD});
    rest.post("/api/users", twice).await.expect(409);
    let broken = json!({"email": "other@example.com", "username": "", "password": PASSWORD});
    rest.post("/api/users", broken).await.expect(422);
    let malformed = guess.to_string().replace('}', "");
    let call = rest.call("POST", "/api/sessions").header("content-type", "application/json");
    call.body(malformed).send().await.expect(400);
    rest.get(&format!("/api/posts?password={PASSWORD}").replace(' ', "+")).await.expect(400);
    secrets.push(PASSWORD.replace(' ', "+"));

    let post = json!({"title": "Draft", "body": private});
    rest.post("/api/users/me/posts", post).await.expect(201);
    secrets.extend(["__Host-access", "__Host-session"].map(|name| rest.cookie(name).unwrap()));
    rest.post("/api/sessions/current/refresh", json!({})).await.expect(200);
    secrets.extend(["__Host-access", "__Host-session"].map(|name| rest.cookie(name).unwrap()));
    let tampered = Forge::tampered(ann.grpc().token());
    rest.call("GET", "/api/users/me").bearer(&tampered).send().await.expect(401);
    rest.get(&format!("/nope/{tampered}")).await.expect(404);
    secrets.push(tampered);
    secrets.push(ann.grpc().token().to_owned());
    let link = json!({"token": "a-guessed-link-token"});
    rest.post("/api/sign-in-links/redeem", link).await.expect(401);
    secrets.push("a-guessed-link-token".to_owned());
    rest.delete("/api/sessions/current").await.expect(204);
    secrets.push(stack.secret_key.clone());

    let logs = stack.logs();
    assert!(logs.lines().count() > 20, "something was logged");
    for secret in secrets {
        let line = logs.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "a secret in the log: {secret}");
    }
}

#[tokio::test]
async fn every_log_line_is_json_with_the_same_names() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    ann.publish("Logged").await;
    for service in stack.services() {
        let lines = service.log_lines();
        assert!(lines.len() > 2, "{lines:?}");
        for line in lines {
            for name in ["timestamp", "level", "message"] {
                assert!(line[name].is_string(), "no {name}: {line}");
            }
        }
    }
}

/// The request lines of a service's log that carry a request id.
async fn lines_of(service: &Service, request_id: &str) -> Vec<Value> {
    eventually("the request is logged", SOON, async || {
        let lines = service.log_lines().into_iter();
        let lines: Vec<_> = lines.filter(|line| line.to_string().contains(request_id)).collect();
        (!lines.is_empty()).then_some(lines)
    })
    .await
}

#[tokio::test]
async fn one_request_has_one_id_in_every_log() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let given = "from-outside.42";
    let call = ann.rest().call("GET", "/api/posts").header("x-request-id", given);
    assert_eq!(call.send().await.expect(200).header("x-request-id"), given);
    let post = json!({"title": "Logged"});
    let written = ann.rest().post("/api/users/me/posts", post).await.expect(201);
    let made = written.header("x-request-id").to_owned();
    lines_of(&stack.content, given).await;
    for service in stack.services() {
        let lines = lines_of(service, &made).await;
        assert!(lines.iter().all(|line| line["level"] == "INFO"), "{lines:?}");
    }
    let gateway = &lines_of(&stack.gateway, &made).await[0].to_string();
    assert!(gateway.contains("/api/users/{user_id}/posts"), "the route: {gateway}");
    let content = &lines_of(&stack.content, &made).await[0].to_string();
    assert!(content.contains(&ann.id), "who called: {content}");
}

#[tokio::test]
async fn request_ids_that_could_forge_a_log_are_replaced() {
    let stack = Stack::start().await;
    let rest = Rest::new(stack.gateway.listen);
    for id in ["short", "with space", "quote\"quote", &"x".repeat(65), "a\tb-------"] {
        let answer = rest.call("GET", "/api/posts").header("x-request-id", id).send().await;
        let used = answer.header("x-request-id");
        assert!(used.len() >= 8 && used != id, "{id}: {used}");
        assert!(uuid::Uuid::try_parse(used).is_ok(), "{used}");
    }
    let mut request = tonic::Request::new(GetKeySetRequest {});
    request.metadata_mut().insert("x-request-id", "from-grpc-1".parse().unwrap());
    let reply = Person::stranger(&stack).grpc().keys().get_key_set(request).await.unwrap();
    assert_eq!(reply.metadata().get("x-request-id").unwrap(), "from-grpc-1");
}

#[tokio::test]
async fn a_trace_goes_on_through_the_gateway() {
    let stack = Stack::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let rest = Rest::new(stack.gateway.listen);
    let call = rest.call("GET", "/api/posts").header("traceparent", &parent);
    call.send().await.expect(200);
    for service in [&stack.gateway, &stack.content] {
        lines_of(service, trace).await;
    }
}
