//! Signing in with a real OpenID provider, over HTTP and in a browser.

use std::{collections::BTreeMap, net::TcpListener, path::Path, process::Stdio};

use serde_json::json;
use tests::{Person, Rest, Stack, within};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::{LIMIT, TOOLS, here, passes, tools, url};

/// A provider and a product that know each other. Dropping it ends both.
struct Pair {
    stack: Stack,
    _provider: Child,
}

/// Has a script beside what it imports.
fn script(name: &str) -> Command {
    std::fs::copy(here(name), Path::new(TOOLS).join(name)).unwrap();
    let mut command = Command::new("node");
    command.arg(name).current_dir(TOOLS).kill_on_drop(true);
    command
}

// === impl Pair ===

impl Pair {
    async fn start() -> Self {
        tools().await;
        // Both are told where the other is before it is there.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let public = format!("http://localhost:{port}");
        let mut provider = script("provider.mjs");
        provider.args(["mainstay", "s3cret", &format!("{public}/sign-in/callback/acme")]);
        provider.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut provider = provider.spawn().unwrap();
        let mut lines = BufReader::new(provider.stdout.take().unwrap()).lines();
        let issuer = within("the provider starts", LIMIT, lines.next_line()).await.unwrap();
        let stack = Stack::builder()
            .set("auth", "MAINSTAY_PUBLIC_URL", &public)
            .set("auth", "MAINSTAY_PROVIDERS", "acme")
            .set("auth", "MAINSTAY_PROVIDER_ACME_ISSUER", &issuer.unwrap())
            .set("auth", "MAINSTAY_PROVIDER_ACME_CLIENT_ID", "mainstay")
            .set("auth", "MAINSTAY_PROVIDER_ACME_CLIENT_SECRET", "s3cret")
            .set("gateway", "MAINSTAY_LISTEN", &format!("localhost:{port}"))
            .start()
            .await;
        Self { stack, _provider: provider }
    }

    /// Visits the provider and brings back what its page sends on.
    async fn visit(&self, rest: &Rest, base: &str, name: &str) -> tests::Answer {
        let begun = rest.post(&format!("{base}/begin"), json!({})).await;
        let mut visit = script("visit.mjs");
        visit.args([&begun.text_at("/authorizationUrl"), name]);
        let back = passes(&mut visit, LIMIT).await;
        let (page, query) = back.trim().split_once('?').unwrap();
        assert_eq!(page, format!("{}/sign-in/callback/acme", url(&self.stack)));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let told = |value: &str| value.replace("%3A", ":").replace("%2F", "/");
        let body: BTreeMap<_, _> = pairs.map(|(key, value)| (key, told(value))).collect();
        assert!(body.contains_key("iss"), "the provider names itself: {body:?}");
        let body = json!(body);
        rest.post(&format!("{base}/finish"), body).await
    }
}

#[tokio::test]
async fn a_real_provider_signs_people_in() {
    let pair = Pair::start().await;
    let rest = Rest::new(pair.stack.gateway.listen);
    let done = pair.visit(&rest, "/api/providers/acme", "carol").await.expect(200);
    assert_eq!(done.text_at("/session/user/email"), "carol@acme.example.com");
    assert_eq!(done.text_at("/session/user/displayName"), "carol of Acme");
    let again = Rest::new(pair.stack.gateway.listen);
    let known = pair.visit(&again, "/api/providers/acme", "carol").await.expect(200);
    assert_eq!(known.text_at("/session/user/id"), done.text_at("/session/user/id"));
    // Linked to an account with another address, it signs in to that.
    let dave = Person::user(&pair.stack, "dave").await;
    let linked = pair.visit(dave.rest(), "/api/users/me/providers/acme", "dave").await.expect(200);
    assert_eq!(linked.text_at("/identity/email"), "dave@acme.example.com");
    let rest = Rest::new(pair.stack.gateway.listen);
    let done = pair.visit(&rest, "/api/providers/acme", "dave").await.expect(200);
    assert_eq!(done.text_at("/session/user/id"), dave.id);
}

#[tokio::test]
async fn a_browser_signs_in_with_another_site() {
    let pair = Pair::start().await;
    let mut browse = script("sign-in.mjs");
    browse.arg(url(&pair.stack)).env("CHROMIUM", Path::new(TOOLS).join("chromium"));
    let said = passes(&mut browse, LIMIT).await;
    assert!(said.contains("signed in with another site"), "{said}");
}
