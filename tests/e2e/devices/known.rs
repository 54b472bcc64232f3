//! Which devices are known, and what becomes of the sessions that they have.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proto::auth::v1::CreateSessionRequest;
use serde_json::json;
use tests::{PASSWORD, Person, Rest, Stack};

use super::{CURRENT, DEVICE, REFRESH, SESSIONS, count, letters, sign_in};

#[tokio::test]
async fn signing_in_ends_the_session_that_the_browser_had() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let browser = ann.on_another_device(&stack).await;
    for person in [&ann, &bob, &ann] {
        let before = browser.copy();
        let wrong = json!({"email": person.email, "password": "not the password"});
        browser.copy().post(SESSIONS, wrong).await.refused(401, "INVALID_CREDENTIALS");
        before.get(CURRENT).await.expect(200);
        let now = sign_in(person, &browser).await;
        assert_eq!(now["user"]["id"], person.id);
        // Requests under way are served; a minute later it is over.
        before.get(CURRENT).await.expect(200);
        let sql = "UPDATE sessions SET expires_at = expires_at - interval '1 minute'";
        stack.databases.auth.execute(sql, &[]).await;
        before.post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");
        browser.post(REFRESH, json!({})).await.expect(200);
    }
    for person in [&ann, &bob] {
        person.rest().get(CURRENT).await.expect(200);
    }
}

#[tokio::test]
async fn an_unknown_device_is_told_of_but_not_the_first() {
    let stack = Stack::start().await;
    let mut eve = Person::stranger(&stack);
    let account = json!({"email": "eve@example.com", "username": "eve", "password": PASSWORD});
    eve.rest().post("/api/users", account).await.expect(201);
    eve.email = "eve@example.com".to_owned();
    let told = async || letters(&stack, "new_device").await;

    let laptop = Rest::new(stack.gateway.listen);
    sign_in(&eve, &laptop).await;
    let token = laptop.cookie(DEVICE).unwrap();
    assert_eq!(told().await.len(), 0, "everybody has a first device");
    laptop.delete(CURRENT).await.expect(204);
    assert_eq!(laptop.cookie(DEVICE).as_ref(), Some(&token), "signing out forgets no device");
    sign_in(&eve, &laptop).await;
    assert_eq!((told().await.len(), laptop.cookie(DEVICE)), (0, Some(token.clone())));

    let other = Rest::new(stack.gateway.listen);
    sign_in(&eve, &other).await;
    let letter = told().await.pop().unwrap();
    assert_eq!(letter["device"], "Firefox on Linux");
    assert!(letter["address"].as_str().is_some_and(|address| !address.is_empty()), "{letter}");
    let events = "SELECT count(*) FROM audit_events WHERE kind = 'device.unknown'";
    assert_eq!(count(&stack, events).await, 1);
    assert_ne!(other.cookie(DEVICE), Some(token.clone()));
    let hashes = "SELECT count(*) FROM devices WHERE length(token_hash) = 32";
    assert_eq!(count(&stack, hashes).await, 2, "only hashes are kept");

    // What is not good is as none, however odd it is.
    for (number, odd) in ["guess", &"x".repeat(3_000), "%00"].into_iter().enumerate() {
        let rest = Rest::new(stack.gateway.listen);
        rest.set_cookie(DEVICE, Some(odd));
        sign_in(&eve, &rest).await;
        assert_ne!(rest.cookie(DEVICE).as_deref(), Some(odd));
        assert_eq!(told().await.len(), number + 2);
    }
    let sql = "UPDATE devices SET expires_at = now()";
    stack.databases.auth.execute(sql, &[]).await;
    sign_in(&eve, &laptop).await;
    assert_ne!(laptop.cookie(DEVICE), Some(token), "it was forgotten");
}

#[tokio::test]
async fn a_browser_knows_several_people_and_a_planted_device_nobody() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let browser = Rest::new(stack.gateway.listen);
    sign_in(&ann, &browser).await;
    let planted = browser.cookie(DEVICE).unwrap();
    sign_in(&bob, &browser).await;
    let shared = browser.cookie(DEVICE).unwrap();
    assert_ne!(shared, planted, "bob does not take what ann may have planted");
    for person in [&ann, &bob, &ann] {
        sign_in(person, &browser).await;
        assert_eq!(browser.cookie(DEVICE).as_deref(), Some(&*shared), "both are known");
    }
    let sql = "SELECT FROM devices JOIN users USING (user_id) \
               WHERE token_hash = sha256($1::text::bytea) AND username = 'bob'";
    assert_eq!(stack.databases.auth.rows(sql, &[&planted]).await.len(), 0);

    let request = CreateSessionRequest { device_token: Some(planted), ..bob.credentials() };
    let reply = bob.grpc().sessions().create_session(request).await.unwrap().into_inner();
    let token = reply.device_token.unwrap();
    assert!(token.len() == 43 && URL_SAFE_NO_PAD.decode(&token).is_ok(), "256 bits: {token}");
    let days = reply.device_token_expires_at.unwrap().seconds - jiff::Timestamp::now().as_second();
    assert!((399 * 86_400..=400 * 86_400).contains(&days));
}
