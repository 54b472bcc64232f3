//! What a site, or somebody who pretends to be one, may say: all but one thing is
//! refused.

use serde_json::{Value, json};
use tests::{Person, Rest};

use super::{
    Visitor, ann, count,
    key::Signature,
    site::{self, Site},
};

fn with(changes: &Value) -> Value {
    let mut claims = ann();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

#[tokio::test]
async fn an_id_token_is_believed_only_if_all_of_it_is_right() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let rest = Rest::new(stack.gateway.listen);
    let visitor = Visitor::new(&rest, &site);
    let good = Signature::Good;
    let now = jiff::Timestamp::now().as_second();
    let wrong = [
        ("another nonce", with(&json!({"nonce": "another"})), good),
        ("no nonce", with(&json!({"nonce": null})), good),
        ("for another client", with(&json!({"aud": "another"})), good),
        ("for another client too", with(&json!({"aud": [site::CLIENT, "another"]})), good),
        ("for nobody", with(&json!({"aud": null})), good),
        ("given to another client", with(&json!({"azp": "another"})), good),
        ("of another issuer", with(&json!({"iss": "https://accounts.example.com"})), good),
        ("of a longer issuer", with(&json!({"iss": format!("{}/", site.issuer)})), good),
        ("over", with(&json!({"iat": now - 400, "exp": now - 1})), good),
        ("old", with(&json!({"iat": now - 3600, "exp": now + 300})), good),
        ("of the future", with(&json!({"iat": now + 3600, "exp": now + 7200})), good),
        ("without an end", with(&json!({"exp": null})), good),
        ("of nobody", with(&json!({"sub": ""})), good),
        ("without a subject", with(&json!({"sub": null})), good),
        ("of a long name", with(&json!({"sub": "x".repeat(256)})), good),
        ("of a name with a zero", with(&json!({"sub": "ann\u{0}"})), good),
        ("with another access token", with(&json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"})), good),
        ("not there", with(&json!({"without_id_token": true})), good),
        ("unsigned", ann(), Signature::Unsigned),
        ("signed with a shared secret", ann(), Signature::SharedSecret),
        ("signed with the public key", ann(), Signature::PublicKey),
        ("signed by somebody else", ann(), Signature::Foreign),
        ("signed with a key of nobody", ann(), Signature::Unpublished),
        ("an access token", ann(), Signature::AccessToken),
    ];
    for (what, claims, signature) in &wrong {
        let visit = visitor.begin().await;
        let code = site.grant(&visit, claims, *signature);
        let answer = visitor.end(&visit, &code, json!({})).await;
        assert_eq!(answer.body["code"], "IDENTITY_REFUSED", "{what}: {answer:?}");
        let answer = answer.refused(401, "IDENTITY_REFUSED");
        assert!(!answer.text.contains("s3cret"), "{what}: {answer:?}");
        assert_eq!(rest.cookie("__Host-session"), None, "{what}");
    }
    for table in ["users", "identities", "sessions"] {
        assert_eq!(count(&stack, table).await, 0, "{table}");
    }
    assert!(!stack.logs().contains("s3cret"), "no code, token or secret of the site is logged");
    visitor.come_as(&ann()).await.expect(200);
}

#[tokio::test]
async fn new_keys_are_found_and_unknown_ones_are_not_asked_for_all_the_time() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let rest = Rest::new(stack.gateway.listen);
    let visitor = Visitor::new(&rest, &site);
    assert_eq!(site.asked("/jwks"), 0, "nothing is asked before it is needed");
    visitor.come_as(&ann()).await.expect(200);
    assert_eq!(site.asked("/jwks"), 1);
    site.rotate("two");
    visitor.come_as(&ann()).await.expect(200);
    assert_eq!(site.asked("/jwks"), 2, "the new key is found at once");
    // Whoever invents keys does not have us ask for each of them.
    for _ in 0..3 {
        let visit = visitor.begin().await;
        let code = site.grant(&visit, &ann(), Signature::Unpublished);
        visitor.end(&visit, &code, json!({})).await.refused(401, "IDENTITY_REFUSED");
    }
    assert_eq!((site.asked("/jwks"), site.asked("/.well-known/openid-configuration")), (2, 2));
    visitor.come_as(&ann()).await.expect(200);
}

#[tokio::test]
async fn the_answer_of_another_site_is_not_taken_for_that_of_the_one_that_was_asked() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let rest = Rest::new(stack.gateway.listen);
    let visitor = Visitor::new(&rest, &site);
    for (iss, is_told) in
        [("https://evil.example.com", false), ("https://evil.example.com", true), ("", true)]
    {
        site.set_more(json!({"authorization_response_iss_parameter_supported": is_told}));
        // What is known about the site is kept by the process, so it is a new one.
        let stack = site.stack().await;
        let rest = Rest::new(stack.gateway.listen);
        let visitor = Visitor::new(&rest, &site);
        let visit = visitor.begin().await;
        let code = site.grant(&visit, &ann(), Signature::Good);
        let answer = visitor.end(&visit, &code, json!({"iss": iss})).await;
        answer.refused(401, "IDENTITY_REFUSED");
        assert_eq!(site.asked("/token"), 0, "the code is not shown to a site that is not its own");
    }
    let visit = visitor.begin().await;
    let code = site.grant(&visit, &ann(), Signature::Good);
    visitor.end(&visit, &code, json!({"iss": site.issuer})).await.expect(200);
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_not_believed() {
    for more in [
        json!({"issuer": "https://accounts.example.com"}),
        json!({"authorization_endpoint": "javascript:alert(1)"}),
        json!({"authorization_endpoint": "https://evil.example.com/authorize"}),
        json!({"jwks_uri": "http://169.254.169.254/latest"}),
        json!({"jwks_uri": "https://10.0.0.1/jwks"}),
    ] {
        let site = Site::start().await;
        site.set_more(more.clone());
        let stack = site.stack().await;
        let stranger = Person::stranger(&stack);
        let begun = stranger.rest().post("/api/providers/acme/begin", json!({})).await;
        assert_eq!(begun.body["code"], "PROVIDER_UNAVAILABLE", "{more}: {begun:?}");
    }
}

#[tokio::test]
async fn a_site_that_is_down_is_said_so_and_keeps_nobody_else_out() {
    let site = Site::start().await;
    let builder = site.known(tests::Stack::builder());
    let issuer = site.issuer.clone();
    drop(site);
    let stack = builder.start().await;
    let stranger = Person::stranger(&stack);
    let begun = stranger.rest().post("/api/providers/acme/begin", json!({})).await;
    let begun = begun.refused(503, "PROVIDER_UNAVAILABLE");
    assert!(!begun.text.contains(&issuer), "{begun:?}");
    assert!(stack.auth.log().contains("acme signed nobody in"), "it is said to the operator");
    let ann = Person::user(&stack, "ann").await;
    ann.rest().get("/api/users/me").await.expect(200);
    stranger.rest().get("/api/providers").await.expect(200);
}
