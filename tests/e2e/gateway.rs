//! The rules of HTTP, the same for every route.

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tests::{PASSWORD, Person, Rest, Stack, contract, raw};

#[tokio::test]
async fn unknown_routes_name_the_nearest_one() {
    let stack = Stack::start().await;
    let rest = Rest::new(stack.gateway.listen);
    let answer = rest.get("/api/post").await.refused(404, "ROUTE_NOT_FOUND");
    assert!(answer.text.contains("/api/posts"), "{answer:?}");
    for path in ["/api", "/api/", "/api/posts/", "/nope", "/API/posts", "/api/posts/1/2/3"] {
        rest.get(path).await.refused(404, "ROUTE_NOT_FOUND");
    }
}

#[tokio::test]
async fn other_methods_are_told_which_ones_there_are() {
    let stack = Stack::start().await;
    let rest = Rest::new(stack.gateway.listen);
    for (method, path, allowed) in [
        ("PUT", "/api/posts/1", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("POST", "/api/posts", "GET, HEAD, OPTIONS"),
        ("GET", "/api/posts/1/publish", "OPTIONS, POST"),
        ("BREW", "/api/users", "GET, HEAD, OPTIONS, POST"),
    ] {
        let answer = rest.call(method, path).send().await;
        let answer = answer.refused(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
        let options = rest.call("OPTIONS", path).send().await.expect(204);
        assert_eq!((options.header("allow"), options.text.as_str()), (allowed, ""), "{path}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let stack = Stack::start().await;
    let rest = Rest::new(stack.gateway.listen);
    for path in ["/api/posts", "/.well-known/jwks.json", "/api/users/me", "/nope"] {
        let (get, head) = (rest.get(path).await, rest.call("HEAD", path).send().await);
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("content-length"), get.text.len().to_string(), "{path}");
    }
}

#[tokio::test]
async fn unknown_names_are_refused_with_the_nearest_known_one() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let answer = ann.rest().get("/api/posts?page_sise=1").await.refused(400, "UNKNOWN_PARAMETER");
    assert_eq!(answer.body["errors"][0]["parameter"], "page_sise");
    assert_eq!(answer.body["errors"][0]["suggestion"], "pageSize");

    let body = json!({"titel": "Hello"});
    let answer = ann.rest().post("/api/users/me/posts", body).await;
    let answer = answer.refused(422, "INVALID_FIELDS");
    let errors = answer.body["errors"].as_array().unwrap();
    let unknown = errors.iter().find(|error| error["pointer"] == "#/titel").unwrap();
    assert_eq!(unknown["suggestion"], "title", "{answer:?}");
    let posts = ann.rest().get("/api/users/me/posts").await.expect(200);
    assert_eq!(posts.body["posts"], json!([]), "nothing was written");
}

#[tokio::test]
async fn both_spellings_of_a_name_are_understood_and_one_is_spoken() {
    let stack = Stack::start().await;
    let rest = Rest::new(stack.gateway.listen);
    for (name, key) in [("ann", "displayName"), ("bob", "display_name")] {
        let email = format!("{name}@example.com");
        let body = json!({"email": email, "username": name, "password": PASSWORD, key: "N."});
        let made = rest.post("/api/users", body).await.expect(201);
        assert_eq!(made.body["displayName"], "N.", "{made:?}");
        assert_eq!(made.body.get("display_name"), None);
    }
    let body = json!({"email": "c@example.com", "username": "cid", "password": PASSWORD,
        "displayName": "A", "display_name": "B"});
    rest.post("/api/users", body).await.refused(422, "INVALID_FIELDS");
    rest.get("/api/posts?page_size=1").await.expect(200);
}

#[tokio::test]
async fn pages_of_other_sites_do_nothing_in_a_visitors_name() {
    let stack = Stack::builder()
        .set("gateway", "MAINSTAY_TRUSTED_ORIGINS", "https://app.example.org")
        .start()
        .await;
    let ann = Person::user(&stack, "ann").await;
    let own = format!("http://localhost:{}", stack.gateway.listen.port());
    let post = json!({"title": "Hello"});
    let write = |headers: &[(&str, &str)]| {
        let call = ann.rest().call("POST", "/api/users/me/posts").json(&post);
        headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send()
    };
    for refused in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("origin", own.as_str())],
    ] {
        write(refused).await.refused(403, "CROSS_SITE_REQUEST");
    }
    for allowed in [
        &[][..],
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
        &[("origin", own.as_str())],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://app.example.org")],
    ] {
        write(allowed).await.expect(201);
    }
    // Nobody is signed in to somebody else's account either, and links still work.
    let credentials = json!({"email": ann.email, "password": PASSWORD});
    let call = ann.rest().call("POST", "/api/sessions").json(&credentials);
    call.header("sec-fetch-site", "cross-site").send().await.refused(403, "CROSS_SITE_REQUEST");
    let call = ann.rest().call("GET", "/api/users/me").header("sec-fetch-site", "cross-site");
    call.send().await.expect(200);
    let call = ann.rest().call("POST", "/api/users/me/posts").json(&post);
    let call = call.bearer(ann.grpc().token()).header("origin", "https://evil.example");
    call.send().await.expect(201);
}

#[tokio::test]
async fn bodies_are_json_and_answers_are_too() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let body = json!({"title": "Hello"}).to_string();
    let write = |media_type: &str| {
        let call = ann.rest().call("POST", "/api/users/me/posts").body(body.clone());
        if media_type.is_empty() { call } else { call.header("content-type", media_type) }
    };
    for media_type in ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"] {
        write(media_type).send().await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    write("application/json; charset=utf-8").send().await.expect(201);
    let call = ann.rest().call("GET", "/api/posts").header("accept", "application/xml");
    call.send().await.refused(406, "NOT_ACCEPTABLE");
    for accept in ["*/*", "application/json", "text/html, */*;q=0.1"] {
        let call = ann.rest().call("GET", "/api/posts").header("accept", accept);
        assert_eq!(call.send().await.expect(200).header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn every_answer_is_safe_in_a_browser() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for path in ["/api/posts", "/api/users/me", "/nope", "/api/posts/x", "/"] {
        let answer = ann.rest().get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(answer.header("strict-transport-security").starts_with("max-age="), "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
    }
    assert_eq!(ann.rest().get("/api/users/me").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn every_route_of_the_contract_is_there() {
    let stack = Stack::start().await;
    let rest = Rest::new(stack.gateway.listen);
    for method in contract::methods(&contract::pool()) {
        for route in method.routes {
            let path = route.template.replace(['{', '}'], "");
            let answer = rest.call("OPTIONS", &path).send().await.expect(204);
            let allowed = answer.header("allow");
            assert!(allowed.contains(&route.verb), "{} {path}: {allowed}", route.verb);
        }
    }
}

#[tokio::test]
async fn tricks_with_paths_and_framing_are_refused() {
    let stack = Stack::start().await;
    let send = async |head: &str| {
        let request = format!("{head}\r\nconnection: close\r\n\r\n");
        raw::exchange(stack.gateway.listen, request.as_bytes()).await
    };
    for target in [
        "/api/posts/../users",
        "/api/%2e%2e/api/posts",
        "//api/posts",
        "/api//posts",
        "/api/posts/a%2fb",
        "/api/posts/%00",
        "/api/posts/%ff",
        "/api/posts/%zz",
        "/api/posts/%252e%252e",
    ] {
        let answer = send(&format!("GET {target} HTTP/1.1\r\nhost: localhost")).await;
        assert_eq!(raw::status(&answer), Some(400), "{target}: {answer}");
        assert!(answer.contains("MALFORMED_REQUEST"), "{target}: {answer}");
    }
    for head in [
        "GET /api/posts HTTP/1.1",
        "GET /api/posts HTTP/1.1\r\nhost: a\r\nhost: b",
        "GET http://a/api/posts HTTP/1.1\r\nhost: b",
        "POST /api/sessions HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2",
        "POST /api/sessions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked",
        "GET /api/posts HTTP/1.1\r\nhost : a",
        "GET /api/posts HTTP/1.1\r\nhost: a\r\nauthorization: Bearer a\r\nauthorization: Bearer b",
        "GET /api/posts HTTP/9.9\r\nhost: a",
        "nonsense",
    ] {
        let answer = send(head).await;
        assert_eq!(raw::status(&answer), Some(400), "{head}: {answer}");
        assert!(answer.contains("\"code\":\"MALFORMED_REQUEST\""), "{head}: {answer}");
    }
    let long = format!("GET /api/posts?{} HTTP/1.1\r\nhost: a", "a".repeat(9000));
    assert_eq!(raw::status(&send(&long).await), Some(414));
    let large = format!("GET /api/posts HTTP/1.1\r\nhost: a\r\nx: {}", "a".repeat(200_000));
    assert_eq!(raw::status(&send(&large).await), Some(431));
    Rest::new(stack.gateway.listen).get("/api/posts").await.expect(200);
}

#[tokio::test]
async fn connections_carry_many_requests_in_either_protocol() {
    let stack = Stack::start().await;
    let one = "GET /api/posts HTTP/1.1\r\nhost: a\r\n";
    let both = format!("{one}\r\n{one}connection: close\r\n\r\n");
    let answers = raw::exchange(stack.gateway.listen, both.as_bytes()).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");

    let stream = tokio::net::TcpStream::connect(stack.gateway.listen).await.unwrap();
    let (executor, stream) = (TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) =
        hyper::client::conn::http2::handshake(executor, stream).await.unwrap();
    let get = || {
        let uri = format!("http://localhost:{}/api/posts", stack.gateway.listen.port());
        let request = http::Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
        let mut sender = sender.clone();
        async move { sender.send_request(request).await.unwrap().status() }
    };
    tokio::select! {
        statuses = join_all((0..10).map(|_| get())) => {
            assert!(statuses.iter().all(|status| status.as_u16() == 200), "{statuses:?}");
        }
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
}

#[tokio::test]
async fn problems_can_be_looked_up() {
    let stack = Stack::start().await;
    let rest = Rest::new(stack.gateway.listen);
    let problem = rest.get("/api/users/me").await.refused(401, "SIGN_IN_REQUIRED");
    let page = rest.call("GET", &problem.text_at("/type")).header("accept", "application/json");
    let page = page.send().await.expect(200);
    assert_eq!(page.body["code"], "SIGN_IN_REQUIRED");
    let html = rest.get(&problem.text_at("/type")).await.expect(200);
    assert!(html.header("content-type").starts_with("text/html"), "{html:?}");
}
