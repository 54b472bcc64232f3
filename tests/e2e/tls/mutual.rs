use std::fs;

use serde_json::json;
use tempfile::TempDir;
use tests::{
    Answer, PASSWORD, Rest, Service, Stack, eventually,
    tls::{Authority, TlsClient},
};

use super::{SOON, environment, get_http2};

/// Services that know each other by certificates of one authority.
struct Family {
    authority: Authority,
    folder: TempDir,
}

// === impl Family ===

impl Family {
    fn new() -> Self {
        let family = Self { authority: Authority::new(), folder: tempfile::tempdir().unwrap() };
        family.write(&family.authority);
        family
    }

    /// Gives everybody new certificates, of which an authority is the source.
    fn write(&self, authority: &Authority) {
        for name in ["auth", "content", "gateway"] {
            authority.issue().write(self.folder.path(), name);
        }
        self.trust(&[authority]);
    }

    /// Has everybody believe some authorities.
    fn trust(&self, authorities: &[&Authority]) {
        let pems: String = authorities.iter().map(|authority| authority.pem()).collect();
        fs::write(self.folder.path().join("ca.crt"), pems).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    async fn start(&self) -> Stack {
        let mut builder = Stack::builder();
        for service in ["auth", "content"] {
            builder = builder
                .set(service, "MAINSTAY_TLS_CERTIFICATE", &self.path(&format!("{service}.crt")))
                .set(service, "MAINSTAY_TLS_KEY", &self.path(&format!("{service}.key")))
                .set(service, "MAINSTAY_TLS_CLIENT_CA", &self.path("ca.crt"));
        }
        for service in ["content", "gateway"] {
            builder = builder
                .set(
                    service,
                    "MAINSTAY_UPSTREAM_CERTIFICATE",
                    &self.path(&format!("{service}.crt")),
                )
                .set(service, "MAINSTAY_UPSTREAM_KEY", &self.path(&format!("{service}.key")))
                .set(service, "MAINSTAY_UPSTREAM_CA", &self.path("ca.crt"));
        }
        builder.start().await
    }
}

/// Signs up and in, publishes, and reads with the author's name: every service
/// calls every other one that it knows.
async fn lives(stack: &Stack, name: &str) {
    let rest = Rest::new(stack.gateway.listen);
    let email = format!("{name}@example.com");
    let account = json!({"email": email, "username": name, "password": PASSWORD});
    rest.post("/api/users", account).await.expect(201);
    rest.post("/api/sessions", json!({"email": email, "password": PASSWORD})).await.expect(201);
    let post = json!({"title": "Over TLS", "body": "All of it."});
    let id = rest.post("/api/users/me/posts", post).await.expect(201).text_at("/id");
    rest.call("POST", &format!("/api/posts/{id}/publish")).send().await.expect(200);
    let read = Rest::new(stack.gateway.listen).get(&format!("/api/posts/{id}")).await.expect(200);
    assert_eq!(read.text_at("/author/username"), name);
}

/// Whether a service answers at all.
async fn is_let_in(service: &Service, client: &TlsClient) -> bool {
    // In TLS 1.3 a client that is refused learns it when it first reads.
    client.clone().offering(&["h2"]).send(service.listen, get_http2()).await.is_ok()
}

#[tokio::test]
async fn the_whole_stack_works_with_certificates_on_both_sides() {
    let family = Family::new();
    let stack = family.start().await;
    assert!(stack.auth.url().starts_with("https://") && stack.content.url().starts_with("https:"));
    lives(&stack, "ann").await;
}

#[tokio::test]
async fn only_the_family_is_let_in() {
    let family = Family::new();
    let stack = family.start().await;
    let stranger = Authority::new().issue();
    let expired = family.authority.issue_until(2021);
    let member = family.authority.issue();
    for service in [&stack.auth, &stack.content] {
        for (client, expected, who) in [
            (family.authority.client_with(&member), true, "a member"),
            (family.authority.client(), false, "nobody"),
            (family.authority.client_with(&stranger), false, "of another authority"),
            (family.authority.client_with(&expired), false, "expired"),
        ] {
            assert_eq!(is_let_in(service, &client).await, expected, "{who}");
        }
        assert!(service.log().contains("a connection was refused"), "and it is logged");
    }
}

#[tokio::test]
async fn members_and_authorities_are_replaced_while_all_goes_on() {
    let family = Family::new();
    let mut stack = family.start().await;
    lives(&stack, "ann").await;
    let next = Authority::new();
    family.trust(&[&family.authority, &next]);
    let newcomer = next.issue();
    for service in [&stack.auth, &stack.content] {
        let client = family.authority.client_with(&newcomer);
        eventually("the new authority is trusted", SOON, async || {
            is_let_in(service, &client).await.then_some(())
        })
        .await;
    }
    lives(&stack, "bob").await;
    family.write(&next);
    for service in [&stack.auth, &stack.content] {
        let old = family.authority.client_with(&family.authority.issue());
        let new = next.client_with(&newcomer);
        eventually("the old authority is forgotten", SOON, async || {
            let is_done = is_let_in(service, &new).await && !is_let_in(service, &old).await;
            is_done.then_some(())
        })
        .await;
    }
    // Connections from before go on; new ones are made with the new certificates.
    lives(&stack, "cid").await;
    for service in [&mut stack.auth, &mut stack.content] {
        service.kill();
        service.start_again().await;
    }
    eventually("all are connected again", SOON, async || {
        let answer = Rest::new(stack.gateway.listen).get("/api/posts").await;
        (answer.status == 200).then_some(())
    })
    .await;
    lives(&stack, "dan").await;
}

#[tokio::test]
async fn a_service_that_is_not_who_it_should_be_is_not_talked_to() {
    let family = Family::new();
    let stack = family.start().await;
    let url = stack.content.url();
    let (answer, _) = ask(&family, &url, "ca.crt").await;
    answer.expect(200);
    fs::write(family.path("wrong.crt"), Authority::new().pem()).unwrap();
    let (answer, log) = ask(&family, &url, "wrong.crt").await;
    let answer = answer.refused(503, "UNAVAILABLE");
    assert!(!answer.text.contains("certificate"), "causes are not told: {answer:?}");
    assert!(log.contains("UnknownIssuer"), "causes are logged: {log}");
    family.authority.issue_for(&["content.internal"], 2999).write(family.folder.path(), "content");
    let client = family.authority.client_with(&family.authority.issue());
    eventually("the other name is shown", SOON, async || {
        client.seen(stack.content.listen).await.is_err().then_some(())
    })
    .await;
    let (answer, log) = ask(&family, &url, "ca.crt").await;
    answer.refused(503, "UNAVAILABLE");
    assert!(log.contains("not valid for name"), "causes are logged: {log}");
}

/// Asks a service through a new gateway, which trusts an authority.
async fn ask(family: &Family, url: &str, ca: &str) -> (Answer, String) {
    let environment = environment(&[
        ("MAINSTAY_AUTH_URL", url),
        ("MAINSTAY_CONTENT_URL", url),
        ("MAINSTAY_UPSTREAM_CA", &family.path(ca)),
        ("MAINSTAY_UPSTREAM_CERTIFICATE", &family.path("gateway.crt")),
        ("MAINSTAY_UPSTREAM_KEY", &family.path("gateway.key")),
    ]);
    let logs = tempfile::tempdir().unwrap();
    let gateway = Service::start("gateway", environment, logs.path()).await;
    let answer = Rest::new(gateway.listen).get("/api/posts").await;
    (answer, gateway.log())
}

#[tokio::test]
async fn probes_and_metrics_need_no_certificate() {
    let stack = Family::new().start().await;
    for service in stack.services() {
        Rest::new(service.admin).get("/readyz").await.expect(200);
        Rest::new(service.admin).get("/metrics").await.expect(200);
    }
}
