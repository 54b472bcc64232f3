//! A frontend on an origin of its own.

use serde_json::json;
use tests::{PASSWORD, Person, Rest, Stack};

const APP: &str = "https://app.example.org";

async fn trusting() -> Stack {
    Stack::builder().set("gateway", "MAINSTAY_TRUSTED_ORIGINS", APP).start().await
}

#[tokio::test]
async fn a_trusted_frontend_signs_in_writes_and_reads() {
    let stack = trusting().await;
    let ann = Person::user(&stack, "ann").await;
    let browser = Rest::new(stack.gateway.listen);
    let fetch = |method: &str, path: &str| {
        let call = browser.call(method, path).header("origin", APP);
        call.header("sec-fetch-site", "same-site")
    };
    for (method, path) in [("POST", "/api/sessions"), ("POST", "/api/users/me/posts")] {
        let asked = fetch("OPTIONS", path)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "content-type")
            .send()
            .await
            .expect(204);
        assert_eq!(asked.header("access-control-allow-origin"), APP, "{path}");
        assert_eq!(asked.header("access-control-allow-credentials"), "true", "{path}");
        assert!(asked.header("access-control-allow-methods").contains(method), "{path}");
        assert!(asked.header("access-control-allow-headers").contains("Content-Type"), "{path}");
        assert_eq!(asked.header("access-control-max-age"), "7200", "{path}");
    }
    let credentials = json!({"email": ann.email, "password": PASSWORD});
    let signed_in = fetch("POST", "/api/sessions").json(&credentials).send().await.expect(201);
    assert_eq!(signed_in.header("access-control-allow-origin"), APP);
    let post = json!({"title": "From afar"});
    let written = fetch("POST", "/api/users/me/posts").json(&post).send().await.expect(201);
    let shown = written.header("access-control-expose-headers");
    assert!(shown.contains("Location") && shown.contains("ETag"), "{shown}");
    let me = fetch("GET", "/api/users/me").send().await.expect(200);
    assert_eq!(me.body["username"], "ann");
    let missing = fetch("GET", "/api/posts/nope").send().await.refused(404, "NOT_FOUND");
    assert_eq!(missing.header("access-control-allow-origin"), APP, "refusals are readable too");
}

#[tokio::test]
async fn other_pages_may_neither_ask_nor_read() {
    let stack = trusting().await;
    let ann = Person::user(&stack, "ann").await;
    for origin in
        ["https://evil.org", "null", "http://app.example.org", "https://app.example.org:1"]
    {
        let answers = [
            ann.rest().call("GET", "/api/users/me").header("origin", origin).send().await,
            ann.rest()
                .call("OPTIONS", "/api/posts/1")
                .header("origin", origin)
                .header("access-control-request-method", "DELETE")
                .send()
                .await,
        ];
        for answer in answers {
            let names = answer.headers.keys().map(http::HeaderName::as_str);
            let told: Vec<_> = names.filter(|name| name.starts_with("access-control")).collect();
            assert!(told.is_empty(), "{origin}: {told:?}");
            assert!(answer.header("vary").contains("Origin"), "{origin}: {answer:?}");
            assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        }
    }
}
