//! Whose account somebody gets who comes from another site.

use proto::auth::v1::{DeleteIdentityRequest, ListIdentitiesRequest};
use serde_json::json;
use tests::{Person, Rest, authenticator::totp, refused};
use tonic::Code;

use super::{Visitor, ann, count, key::Signature, site::Site};
use crate::factors::{SECOND, add_app, claims, forget_steps};

const IDENTITIES: &str = "/api/users/me/identities";

#[tokio::test]
async fn an_address_gives_no_account_away_unless_all_who_know_it_agree() {
    for is_trusted in [false, true] {
        let site = Site::start().await;
        let builder = site.known(tests::Stack::builder());
        let trust = is_trusted.to_string();
        let stack = builder.set("auth", "MAINSTAY_PROVIDER_ACME_TRUST_EMAIL", &trust).start().await;
        for is_confirmed in [false, true] {
            for is_ours_verified in [false, true] {
                let name = format!("ann-{is_confirmed}-{is_ours_verified}");
                let owner = Person::user(&stack, &name).await;
                let sql = "UPDATE users SET email_verified = $2 \
                           WHERE username = $1";
                stack.databases.auth.execute(sql, &[&name, &is_ours_verified]).await;
                let claims = json!({
                    "sub": format!("{name}-at-acme"), "email": owner.email.to_uppercase(),
                    "email_verified": is_confirmed,
                });
                let rest = Rest::new(stack.gateway.listen);
                let answer = Visitor::new(&rest, &site).come_as(&claims).await;
                if is_trusted && is_confirmed && is_ours_verified {
                    assert_eq!(answer.expect(200).text_at("/session/user/id"), owner.id);
                    let sql =
                        "SELECT FROM letters WHERE recipient = $1 AND kind = 'identities_changed'";
                    assert_eq!(stack.databases.auth.rows(sql, &[&owner.email]).await.len(), 1);
                } else {
                    answer.refused(409, "IDENTITY_EMAIL_TAKEN");
                    assert_eq!(rest.cookie("__Host-session"), None);
                }
            }
        }
        assert_eq!(count(&stack, "identities").await, usize::from(is_trusted));
    }
}

#[tokio::test]
async fn an_address_is_verified_only_by_a_trusted_site_that_says_so() {
    for (is_trusted, is_confirmed) in [(false, true), (true, false), (true, true)] {
        let site = Site::start().await;
        let builder = site.known(tests::Stack::builder());
        let trust = is_trusted.to_string();
        let stack = builder.set("auth", "MAINSTAY_PROVIDER_ACME_TRUST_EMAIL", &trust).start().await;
        let rest = Rest::new(stack.gateway.listen);
        let mut claims = ann();
        claims["email_verified"] = is_confirmed.into();
        Visitor::new(&rest, &site).come_as(&claims).await.expect(200);
        let sql = "SELECT email_verified, password_hash FROM users";
        let row = &stack.databases.auth.rows(sql, &[]).await[0];
        assert_eq!(row.get::<_, bool>(0), is_trusted && is_confirmed);
        assert_eq!(row.get::<_, String>(1), "", "no password opens it");
    }
}

/// Addresses change hands, at the site and here; subjects do not.
#[tokio::test]
async fn only_the_subject_counts() {
    let site = Site::start().await;
    let builder = site.known(tests::Stack::builder());
    let stack = builder.set("auth", "MAINSTAY_PROVIDER_ACME_TRUST_EMAIL", "true").start().await;
    let rest = Rest::new(stack.gateway.listen);
    let visitor = Visitor::new(&rest, &site);
    let first = visitor.come_as(&ann()).await.expect(200).text_at("/session/user/id");
    let mut moved = ann();
    moved["email"] = "ann@elsewhere.example.com".into();
    let again = visitor.come_as(&moved).await.expect(200);
    assert_eq!(again.text_at("/session/user/id"), first);
    assert_eq!(again.text_at("/session/user/email"), "ann@example.com", "ours is ours");
    // Somebody else has the address at the site now, verified and trusted.
    let mut heir = ann();
    heir["sub"] = "bob-at-acme".into();
    visitor.come_as(&heir).await.refused(409, "PROVIDER_LINKED");
    assert_eq!(count(&stack, "identities").await, 1);
}

#[tokio::test]
async fn what_a_site_says_elsewhere_is_asked_for_and_believed_of_the_same_person_only() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let rest = Rest::new(stack.gateway.listen);
    let visitor = Visitor::new(&rest, &site);
    let bare = json!({"sub": "ann-at-acme"});
    site.set_user_info(json!({"sub": "bob-at-acme", "email": "bob@example.com"}));
    visitor.come_as(&bare).await.refused(401, "IDENTITY_REFUSED");
    site.set_user_info(json!({"sub": "ann-at-acme"}));
    visitor.come_as(&bare).await.refused(409, "IDENTITY_EMAIL_MISSING");
    site.set_user_info(ann());
    let done = visitor.come_as(&bare).await.expect(200);
    assert_eq!(done.text_at("/session/user/email"), "ann@example.com");
    let asked = site.asked("/me");
    visitor.come_as(&bare).await.expect(200);
    assert_eq!(site.asked("/me"), asked, "nothing more is asked of those who are known");
}

#[tokio::test]
async fn names_that_are_taken_are_made_unique() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let _ann = Person::user(&stack, "Ann").await;
    for number in 0..3 {
        let rest = Rest::new(stack.gateway.listen);
        let mut claims = ann();
        claims["sub"] = format!("sub-{number}").into();
        claims["email"] = format!("ann{number}@elsewhere.example.com").into();
        let done = Visitor::new(&rest, &site).come_as(&claims).await.expect(200);
        let name = done.text_at("/session/user/username");
        assert!(name.starts_with("ann-") && name.len() == 10, "{name}");
    }
}

#[tokio::test]
async fn an_account_is_linked_in_the_session_that_began_it() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let (ann_here, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let linking = Visitor::linking(ann_here.rest(), &site);
    let visit = linking.begin().await;
    let code = site.grant(&visit, &ann(), Signature::Good);
    let flow = ann_here.rest().cookie("__Host-flow").unwrap();

    // Somebody else, another session of the same user, nobody, and a sign-in.
    let elsewhere = ann_here.on_another_device(&stack).await;
    let nobody = Rest::new(stack.gateway.listen);
    for rest in [bob.rest(), &elsewhere] {
        rest.set_cookie("__Host-flow", Some(&flow));
        let answer = Visitor::linking(rest, &site).end(&visit, &code, json!({})).await;
        answer.refused(401, "SIGN_IN_FLOW_INVALID");
    }
    nobody.set_cookie("__Host-flow", Some(&flow));
    let answer = Visitor::linking(&nobody, &site).end(&visit, &code, json!({})).await;
    answer.refused(401, "SIGN_IN_REQUIRED");
    let answer = Visitor::new(&nobody, &site).end(&visit, &code, json!({})).await;
    answer.refused(401, "SIGN_IN_FLOW_INVALID");

    let linked = linking.end(&visit, &code, json!({})).await.expect(200);
    assert_eq!(linked.text_at("/identity/providerDisplayName"), "Acme Inc.");
    assert_eq!(linked.text_at("/returnPath"), "/welcome?x=1");
    assert_eq!(ann_here.rest().cookie("__Host-flow"), None);
    // Twice is once, and whoever comes from there is Ann now.
    linking.come_as(&ann()).await.expect(200);
    let rest = Rest::new(stack.gateway.listen);
    let done = Visitor::new(&rest, &site).come_as(&ann()).await.expect(200);
    assert_eq!(done.text_at("/session/user/id"), ann_here.id);
    // Bob cannot have it, and Ann no other of the same site.
    let bobs = Visitor::linking(bob.rest(), &site);
    bobs.come_as(&ann()).await.refused(409, "IDENTITY_TAKEN");
    let mut other = ann();
    other["sub"] = "other".into();
    linking.come_as(&other).await.refused(409, "PROVIDER_LINKED");
    let kinds = "SELECT FROM audit_events WHERE kind = 'identity.linked'";
    assert_eq!(stack.databases.auth.rows(kinds, &[]).await.len(), 1);
    let letters = "SELECT FROM letters WHERE kind = 'identities_changed'";
    assert_eq!(stack.databases.auth.rows(letters, &[]).await.len(), 1);
}

#[tokio::test]
async fn a_session_that_has_ended_links_nothing() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let ann_here = Person::user(&stack, "ann").await;
    let linking = Visitor::linking(ann_here.rest(), &site);
    let visit = linking.begin().await;
    let code = site.grant(&visit, &ann(), Signature::Good);
    stack.databases.auth.execute("UPDATE sessions SET ended_at = now()", &[]).await;
    let answer = linking.end(&visit, &code, json!({})).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(count(&stack, "identities").await, 0);
}

#[tokio::test]
async fn the_last_way_to_sign_in_stays() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let rest = Rest::new(stack.gateway.listen);
    Visitor::new(&rest, &site).come_as(&ann()).await.expect(200);
    let list = rest.get(IDENTITIES).await.expect(200);
    let identity = &list.body["identities"][0];
    assert_eq!(
        (&identity["provider"], &identity["email"]),
        (&json!("acme"), &json!("ann@example.com"))
    );
    let path = format!("{IDENTITIES}/{}", identity["id"].as_str().unwrap());
    rest.delete(&path).await.refused(409, "LAST_SIGN_IN_METHOD");
    assert_eq!(count(&stack, "identities").await, 1, "nothing was done");

    // Nobody else sees or removes it, over REST or gRPC.
    let bob = Person::user(&stack, "bob").await;
    bob.rest().delete(&path).await.refused(404, "NOT_FOUND");
    let me = rest.get("/api/users/me").await.expect(200).text_at("/id");
    let whose = ListIdentitiesRequest { user_id: me.clone() };
    let listed = bob.grpc().identities().list_identities(whose).await;
    refused(listed, Code::PermissionDenied, "NOT_YOURS");
    let identity_id = identity["id"].as_str().unwrap().to_owned();
    let which = DeleteIdentityRequest { user_id: me, identity_id };
    let deleted = bob.grpc().identities().delete_identity(which).await;
    refused(deleted, Code::PermissionDenied, "NOT_YOURS");

    stack.databases.auth.execute("UPDATE users SET password_hash = 'x'", &[]).await;
    rest.delete(&path).await.expect(204);
    rest.delete(&path).await.refused(404, "NOT_FOUND");
    rest.delete(&format!("{IDENTITIES}/nonsense")).await.refused(404, "NOT_FOUND");
    let kinds = "SELECT FROM audit_events WHERE kind = 'identity.unlinked'";
    assert_eq!(stack.databases.auth.rows(kinds, &[]).await.len(), 1);
    // Who comes from there is a stranger again, and the address is taken.
    let answer = Visitor::new(&Rest::new(stack.gateway.listen), &site).come_as(&ann()).await;
    answer.refused(409, "IDENTITY_EMAIL_TAKEN");
}

#[tokio::test]
async fn arrivals_at_the_same_moment_are_one_account() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let tabs: Vec<_> = (0..6).map(|_| Rest::new(stack.gateway.listen)).collect();
    let arrivals = tabs.iter().map(|rest| async {
        let done = Visitor::new(rest, &site).come_as(&ann()).await.expect(200);
        done.text_at("/session/user/id")
    });
    let ids = futures_util::future::join_all(arrivals).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(count(&stack, "users").await, 1);
}

/// Two sites may have the same name for two people.
#[tokio::test]
async fn the_same_subject_at_another_site_is_somebody_else() {
    let (acme, other) = (Site::start().await, Site::start().await);
    let builder = other.known_as(acme.known(tests::Stack::builder()), "other");
    let stack = builder.set("auth", "MAINSTAY_PROVIDERS", "acme,other").start().await;
    let rest = Rest::new(stack.gateway.listen);
    let at_acme = Visitor::new(&rest, &acme);
    let first = at_acme.come_as(&ann()).await.expect(200).text_at("/session/user/id");
    let at_other = Visitor { rest: &rest, site: &other, base: "/api/providers/other" };
    at_other.come_as(&ann()).await.refused(409, "IDENTITY_EMAIL_TAKEN");
    let mut namesake = ann();
    namesake["email"] = "ann@elsewhere.example.com".into();
    let second = at_other.come_as(&namesake).await.expect(200).text_at("/session/user/id");
    assert_ne!(second, first);
    let again = at_acme.come_as(&ann()).await.expect(200).text_at("/session/user/id");
    assert_eq!(again, first);
}

/// However strong the site says that its proof was, it is one factor.
#[tokio::test]
async fn another_site_does_not_get_round_the_second_factor() {
    let site = Site::start().await;
    let stack = site.stack().await;
    let rest = Rest::new(stack.gateway.listen);
    let mut strong = ann();
    (strong["acr"], strong["amr"]) = ("aal3".into(), json!(["hwk", "mfa"]));
    Visitor::new(&rest, &site).come_as(&strong).await.expect(200);
    assert_eq!(claims(&rest)["acr"], "aal1");
    let (secret, _) = add_app(&rest).await;
    forget_steps(&stack).await;
    let elsewhere = Rest::new(stack.gateway.listen);
    let asked = Visitor::new(&elsewhere, &site).come_as(&strong).await;
    let asked = asked.refused(401, "SECOND_FACTOR_REQUIRED");
    assert_eq!(elsewhere.cookie("__Host-session"), None);
    let shown = json!({"challenge": asked.text_at("/challenge"), "code": totp(&secret)});
    elsewhere.post(SECOND, shown).await.expect(200);
    assert_eq!(claims(&elsewhere)["amr"], json!(["fed", "otp", "mfa"]));
    // It ends here, whatever the site thinks.
    stack.databases.auth.execute("UPDATE sessions SET expires_at = now()", &[]).await;
    let refreshed = elsewhere.post("/api/sessions/current/refresh", json!({})).await;
    refreshed.refused(401, "SESSION_ENDED");
}
