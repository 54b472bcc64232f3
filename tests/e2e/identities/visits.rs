//! A visit to another site ends where it began, once, and leads nowhere else.

use proto::auth::v1::{BeginSignInRequest, FinishSignInRequest};
use serde_json::json;
use tests::{Person, Rest, refused};
use tonic::Code;

use super::{
    Visitor, ann, count,
    key::Signature,
    site::{Site, decoded, param},
};

const WRONG: &str = "SIGN_IN_FLOW_INVALID";

#[tokio::test]
async fn whoever_a_site_confirms_gets_an_account_and_comes_back_to_it() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let rest = Rest::new(stack.gateway.listen);
    let providers = rest.get("/api/providers").await.expect(200);
    let expected = json!([{"id": "acme", "displayName": "Acme Inc."}]);
    assert_eq!(providers.body["providers"], expected);

    let visitor = Visitor::new(&rest, &site);
    let visit = visitor.begin().await;
    assert!(visit.starts_with(&format!("{}/authorize?", site.issuer)), "{visit}");
    let expected = [
        ("response_type", "code"),
        ("code_challenge_method", "S256"),
        ("client_id", super::site::CLIENT),
        ("scope", "openid email profile"),
        ("redirect_uri", "https://mainstay.test/sign-in/callback/acme"),
    ];
    for (name, value) in expected {
        assert_eq!(decoded(&param(&visit, name).replace('+', " ")), value, "{name}");
    }
    let code = site.grant(&visit, &ann(), Signature::Good);
    let done = visitor.end(&visit, &code, json!({})).await.expect(200);
    assert_eq!(done.text_at("/returnPath"), "/welcome?x=1");
    assert_eq!(done.text_at("/session/user/email"), "ann@example.com");
    assert_eq!(done.text_at("/session/user/username"), "ann");
    for secret in ["accessToken", "refreshToken", "flowToken"] {
        assert_eq!(done.body.get(secret), None, "{secret} is in a cookie and nowhere else");
    }
    assert_eq!(rest.cookie("__Host-flow"), None, "the visit is over");
    let me = rest.get("/api/users/me").await.expect(200).text_at("/id");

    // From another device, over gRPC, with another name and another address.
    let grpc = Person::stranger(&stack).grpc().clone();
    let begin = BeginSignInRequest { provider: "acme".to_owned(), ..Default::default() };
    let begun = grpc.identities().begin_sign_in(begin).await.unwrap().into_inner();
    let (flow_token, visit) = (begun.flow_token.unwrap(), begun.authorization_url);
    let claims = json!({"sub": "ann-at-acme", "email": "other@example.com"});
    let code = site.grant(&visit, &claims, Signature::Good);
    let finish = FinishSignInRequest {
        provider: "acme".to_owned(),
        code,
        state: param(&visit, "state"),
        flow_token,
        ..Default::default()
    };
    let done = grpc.identities().finish_sign_in(finish.clone()).await.unwrap().into_inner();
    assert_eq!(done.session.unwrap().user.unwrap().id, me);
    assert_eq!(done.return_path, "/");
    let again = grpc.identities().finish_sign_in(finish).await;
    refused(again, Code::Unauthenticated, WRONG);
    assert_eq!(count(&stack, "users").await, 1);
    let sql = "SELECT FROM sessions WHERE proofs = '{fed}'";
    assert_eq!(stack.databases.auth.rows(sql, &[]).await.len(), 2);
}

#[tokio::test]
async fn a_visit_ends_once_and_in_the_browser_that_began_it() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let (victim, attacker) = (Rest::new(stack.gateway.listen), Rest::new(stack.gateway.listen));
    let (mine, theirs) = (Visitor::new(&victim, &site), Visitor::new(&attacker, &site));

    // The attacker has the victim's browser end the attacker's visit (login CSRF).
    let visit = theirs.begin().await;
    let code = site.grant(&visit, &ann(), Signature::Good);
    mine.end(&visit, &code, json!({})).await.refused(401, WRONG);
    let own = mine.begin().await;
    mine.end(&visit, &code, json!({})).await.refused(401, WRONG);
    // With a state of the victim's visit, the attacker's code is of no use (code injection).
    mine.end(&own, &code, json!({})).await.refused(401, "IDENTITY_REFUSED");
    mine.end(&own, &code, json!({})).await.refused(401, WRONG);

    // A visit that ended cannot end again.
    let visit = mine.begin().await;
    let flow = victim.cookie("__Host-flow").unwrap();
    let code = site.grant(&visit, &ann(), Signature::Good);
    mine.end(&visit, &code, json!({})).await.expect(200);
    victim.set_cookie("__Host-flow", Some(&flow));
    let code = site.grant(&visit, &ann(), Signature::Good);
    mine.end(&visit, &code, json!({})).await.refused(401, WRONG);

    // Nor one that was left for too long.
    let visit = mine.begin().await;
    let code = site.grant(&visit, &ann(), Signature::Good);
    let sql = "UPDATE identity_flows SET expires_at = now()";
    assert!(stack.databases.auth.execute(sql, &[]).await >= 1);
    mine.end(&visit, &code, json!({})).await.refused(401, WRONG);

    // Without a cookie, with a state that was changed, or with none.
    let visit = mine.begin().await;
    let code = site.grant(&visit, &ann(), Signature::Good);
    for state in
        [format!("{}x", param(&visit, "state")), format!("link.{}", param(&visit, "state"))]
    {
        mine.end(&visit, &code, json!({"state": state})).await.refused(401, WRONG);
    }
    mine.end(&visit, &code, json!({"state": ""})).await.refused(422, "INVALID_FIELDS");
    // In the body the secret of a visit is not even a field.
    let body = json!({"state": param(&visit, "state"), "code": code, "flowToken": flow});
    victim.post("/api/providers/acme/finish", body).await.refused(422, "INVALID_FIELDS");
    victim.set_cookie("__Host-flow", None);
    mine.end(&visit, &code, json!({})).await.refused(401, WRONG);
    assert_eq!(count(&stack, "users").await, 1);
    // Visits that nobody ended are forgotten.
    mine.begin().await;
    let sql = "SELECT FROM identity_flows WHERE expires_at <= now()";
    assert_eq!(stack.databases.auth.rows(sql, &[]).await.len(), 0);
}

#[tokio::test]
async fn a_visit_ends_at_the_site_that_it_began_with() {
    let (acme, other) = (Site::start().await, Site::start().await);
    let builder = other.known_as(acme.known(tests::Stack::builder()), "other");
    let stack = builder.set("auth", "MAINSTAY_PROVIDERS", "acme,other").start().await;
    let rest = Rest::new(stack.gateway.listen);
    // The other site sends the browser on to acme, and gets to see acme's code if we
    // take it for its own (mix-up).
    let begun = rest.post("/api/providers/other/begin", json!({})).await;
    let visit = begun.text_at("/authorizationUrl");
    assert!(decoded(&param(&visit, "redirect_uri")).ends_with("/sign-in/callback/other"));
    let code = acme.grant(&visit, &ann(), Signature::Good);
    Visitor::new(&rest, &acme).end(&visit, &code, json!({})).await.refused(401, WRONG);
    assert_eq!((acme.asked("/token"), other.asked("/token")), (0, 0));
    rest.post("/api/providers/nobody/begin", json!({})).await.refused(404, "PROVIDER_UNKNOWN");
    rest.post("/api/providers/No!/begin", json!({})).await.refused(400, "INVALID_PARAMETER");
}

#[tokio::test]
async fn the_other_site_may_say_no() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let rest = Rest::new(stack.gateway.listen);
    let visitor = Visitor::new(&rest, &site);
    let visit = visitor.begin().await;
    let error = json!({"error": "access_denied<script>"});
    let answer = visitor.end(&visit, "", error).await.refused(401, "IDENTITY_REFUSED");
    assert!(!answer.text.contains("script"), "{answer:?}");
    visitor.end(&visit, "any", json!({})).await.refused(401, WRONG);
}

#[tokio::test]
async fn return_paths_lead_nowhere_but_here() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let rest = Rest::new(stack.gateway.listen);
    let wrong = [
        "//evil.example.com",
        "/\\evil.example.com",
        "\\\\evil.example.com",
        "https://evil.example.com",
        "https:evil.example.com",
        "javascript:alert(1)",
        "evil.example.com",
        "/\t/evil.example.com",
        "/\n/evil.example.com",
        " /a",
        "/a b",
        "/a\\b",
        "/\u{0}",
        "/<script>",
        "/ä",
        "?x",
        "#x",
    ];
    for path in wrong {
        let begun = rest.post("/api/providers/acme/begin", json!({"returnPath": path})).await;
        assert_eq!(begun.body["code"], "INVALID_FIELDS", "{path:?}: {begun:?}");
        let begin =
            BeginSignInRequest { provider: "acme".to_owned(), return_path: path.to_owned() };
        let begun = Person::stranger(&stack).grpc().identities().begin_sign_in(begin).await;
        refused(begun, Code::InvalidArgument, "INVALID_FIELDS");
    }
    for path in ["", "/", "/a/b?c=d&e=%2F#f", "/.//evil.example.com", "/a//b"] {
        let begun = rest.post("/api/providers/acme/begin", json!({"returnPath": path})).await;
        assert!(begun.status == 200, "{path:?}: {begun:?}");
    }
}

#[tokio::test]
async fn signing_in_never_adopts_what_was_planted() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let planter = Person::user(&stack, "mallory").await;
    let rest = Rest::new(stack.gateway.listen);
    let names = ["__Host-access", "__Host-session", "__Host-flow"];
    // A session and a visit of the attacker's are in the victim's browser.
    Visitor::new(planter.rest(), &site).begin().await;
    let planted = names.map(|name| planter.rest().cookie(name).unwrap());
    for (name, value) in names.iter().zip(&planted) {
        rest.set_cookie(name, Some(value));
    }
    let visitor = Visitor::new(&rest, &site);
    let visit = visitor.begin().await;
    assert_ne!(rest.cookie("__Host-flow").unwrap(), planted[2], "a visit of one's own");
    let code = site.grant(&visit, &ann(), Signature::Good);
    visitor.end(&visit, &code, json!({})).await.expect(200);
    for (name, value) in names.iter().zip(&planted).take(2) {
        assert_ne!(rest.cookie(name).as_ref(), Some(value), "{name} is new");
    }
    let me = rest.get("/api/users/me").await.expect(200);
    assert_eq!(me.text_at("/email"), "ann@example.com");
    let theirs = planter.rest().get("/api/users/me").await.expect(200);
    assert_eq!(theirs.text_at("/username"), "mallory", "the attacker is still the attacker");
    // The same with a password.
    let bob = Person::user(&stack, "bob").await;
    for (name, value) in names.iter().zip(&planted) {
        rest.set_cookie(name, Some(value));
    }
    let credentials = json!({"email": bob.email, "password": tests::PASSWORD});
    rest.post("/api/sessions", credentials).await.expect(201);
    for (name, value) in names.iter().zip(&planted).take(2) {
        assert_ne!(rest.cookie(name).as_ref(), Some(value), "{name} is new");
    }
}

#[tokio::test]
async fn a_token_in_an_address_is_refused() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let ann = Person::user(&stack, "ann").await;
    let token = ann.grpc().token().to_owned();
    let stranger = Rest::new(stack.gateway.listen);
    for path in ["/api/users/me", "/api/sessions/current", "/api/users/me/identities"] {
        for name in ["access_token", "accessToken", "token"] {
            let answer = stranger.get(&format!("{path}?{name}={token}")).await;
            assert!(matches!(answer.status, 400 | 401), "{path} {name}: {answer:?}");
        }
    }
    let flow = json!({"state": "x"});
    let path = format!("/api/providers/acme/finish?flowToken={token}");
    stranger.post(&path, flow).await.refused(400, "UNKNOWN_PARAMETER");
    assert!(!stack.logs().contains(&token), "nor does it get into a log");
}
