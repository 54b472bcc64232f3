//! Staying signed in: rotation, its grace, and what happens to stolen tokens.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::{join, join_all};
use proto::auth::v1::{RefreshSessionRequest, RefreshSessionResponse};
use serde_json::json;
use tests::{Forge, Person, Rest, Stack, eventually, metrics, refused};
use tokio::sync::Notify;
use tonic::{Code, Response, Status};

const REFRESH: &str = "/api/sessions/current/refresh";
const SESSION: &str = "__Host-session";
const ACCESS: &str = "__Host-access";
const LIMIT: Duration = Duration::from_secs(6);

async fn sign_in(person: &Person) -> String {
    let reply = person.grpc().sessions().create_session(person.credentials()).await.unwrap();
    reply.into_inner().refresh_token.unwrap()
}

async fn refresh(person: &Person, token: &str) -> Result<Response<RefreshSessionResponse>, Status> {
    let request = RefreshSessionRequest { refresh_token: token.to_owned() };
    person.grpc().sessions().refresh_session(request).await
}

async fn successor(person: &Person, token: &str) -> String {
    refresh(person, token).await.unwrap().into_inner().refresh_token.unwrap()
}

/// Lets a minute pass since every refresh token was used.
async fn a_minute_later(stack: &Stack) {
    let sql = "UPDATE refresh_tokens SET used_at = used_at - interval '1 minute' \
               WHERE used_at IS NOT NULL";
    assert!(stack.databases.auth.execute(sql, &[]).await > 0);
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_for_another() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let before = (ann.rest().cookie(ACCESS), ann.rest().cookie(SESSION));
    let answer = ann.rest().post(REFRESH, json!({})).await.expect(200);
    let after = (ann.rest().cookie(ACCESS), ann.rest().cookie(SESSION));
    assert!(before.0 != after.0 && before.1 != after.1, "both are new");
    assert_eq!(answer.text_at("/user/id"), ann.id);
    assert!(!answer.text.contains(&after.1.unwrap()), "{}", answer.text);
    ann.rest().get("/api/users/me").await.expect(200);

    // No body at all is as good as an empty one.
    ann.rest().call("POST", REFRESH).send().await.expect(200);
    let first = sign_in(&ann).await;
    let second = successor(&ann, &first).await;
    assert_ne!(first, second);
    assert_eq!((first.len(), second.len()), (43, 43), "256 bits");
    assert_eq!(successor(&ann, &first).await, second, "the same again within 10 s");
    assert_ne!(successor(&ann, &second).await, second);
}

#[tokio::test]
async fn twenty_tabs_get_one_successor() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let token = sign_in(&ann).await;
    let successors = join_all((0..20).map(|_| successor(&ann, &token))).await;
    let successors: BTreeSet<_> = successors.into_iter().collect();
    assert_eq!(successors.len(), 1);

    let tabs: Vec<Rest> = (0..20).map(|_| ann.rest().copy()).collect();
    let answers = join_all(tabs.iter().map(|tab| tab.post(REFRESH, json!({})))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let successors: BTreeSet<_> = tabs.iter().map(|tab| tab.cookie(SESSION)).collect();
    assert_eq!(successors.len(), 1, "nobody is logged out");
    tabs[0].get("/api/sessions/current").await.expect(200);
    tabs[19].post(REFRESH, json!({})).await.expect(200);
}

#[tokio::test]
async fn a_token_used_again_later_ends_its_session_and_no_other() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (stolen, other) = (sign_in(&ann).await, sign_in(&ann).await);
    let current = successor(&ann, &stolen).await;
    let second = successor(&ann, &current).await;
    a_minute_later(&stack).await;

    refused(refresh(&ann, &stolen).await, Code::Unauthenticated, "SESSION_ENDED");
    for token in [&current, &second] {
        refused(refresh(&ann, token).await, Code::Unauthenticated, "SESSION_ENDED");
    }
    successor(&ann, &other).await;
    let log = stack.auth.log();
    assert!(log.contains("auth.session.refresh_token_reused"), "an audit trail: {log}");
}

#[tokio::test]
async fn a_stolen_cookie_ends_the_session_over_rest_too() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let stolen = ann.rest().copy();
    ann.rest().post(REFRESH, json!({})).await.expect(200);
    a_minute_later(&stack).await;
    stolen.post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");
    assert_eq!((stolen.cookie(ACCESS), stolen.cookie(SESSION)), (None, None));
    ann.rest().post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");
}

#[tokio::test]
async fn what_was_idle_for_too_long_or_is_too_old_is_over() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let auth = &stack.databases.auth;
    let token = sign_in(&ann).await;
    auth.execute("UPDATE sessions SET expires_at = now() + interval '1 hour'", &[]).await;
    successor(&ann, &token).await;
    let sql = "SELECT refresh_tokens.expires_at <= sessions.expires_at \
               FROM refresh_tokens JOIN sessions USING (session_id) \
               ORDER BY refresh_tokens.created_at DESC LIMIT 1";
    assert!(auth.rows(sql, &[]).await[0].get::<_, bool>(0), "use makes no session last longer");
    for table in ["refresh_tokens", "sessions"] {
        let over = format!("UPDATE {table} SET expires_at = now()");
        let token = sign_in(&ann).await;
        assert!(auth.execute(&over, &[]).await > 0);
        refused(refresh(&ann, &token).await, Code::Unauthenticated, "SESSION_ENDED");
    }
    ann.rest().post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");
}

#[tokio::test]
async fn tokens_that_never_were_are_refused() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for token in ["guess", "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        refused(refresh(&ann, token).await, Code::Unauthenticated, "SESSION_ENDED");
        let rest = Rest::new(stack.gateway.listen);
        if !token.is_empty() {
            rest.set_cookie(SESSION, Some(token));
        }
        rest.post(REFRESH, json!({})).await.refused(401, "SESSION_ENDED");
    }
    // A body cannot carry what belongs into a cookie.
    let body = json!({"refreshToken": sign_in(&ann).await});
    Rest::new(stack.gateway.listen).post(REFRESH, body).await.refused(422, "INVALID_FIELDS");
}

#[tokio::test]
async fn the_gateway_renews_what_has_expired_on_the_way() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let expired = Forge::of(&stack).await.expired(&ann.id);
    for access in [None, Some(expired.as_str()), Some("rubbish")] {
        let before = ann.rest().cookie(SESSION);
        ann.rest().set_cookie(ACCESS, access);
        let answer = ann.rest().get("/api/users/me").await.expect(200);
        assert_eq!(answer.text_at("/id"), ann.id);
        assert_ne!(ann.rest().cookie(SESSION), before, "{access:?}");
        assert!(ann.rest().cookie(ACCESS).is_some_and(|token| Some(&*token) != access));
    }
    // What changes something is done once, as the same user.
    ann.rest().set_cookie(ACCESS, Some(&expired));
    ann.write("Once").await;
    let posts = ann.rest().get("/api/users/me/posts").await.expect(200);
    assert_eq!(posts.body["posts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn parallel_requests_are_renewed_together() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let expired = Forge::of(&stack).await.expired(&ann.id);
    ann.rest().set_cookie(ACCESS, Some(&expired));
    let tabs: Vec<Rest> = (0..20).map(|_| ann.rest().copy()).collect();
    let asked = async |method: &str| metrics(&stack.auth).await.served(method);
    let before = asked("RefreshSession").await;

    // Nobody is renewed before all have found that they must be.
    let is_locked = Notify::new();
    let locked = stack.databases.auth.while_locked("refresh_tokens", async || {
        is_locked.notify_one();
        eventually("all tabs are refused", LIMIT, async || {
            (asked("GetUser").await >= 20.0).then_some(())
        })
        .await;
    });
    let requests = async {
        is_locked.notified().await;
        join_all(tabs.iter().map(|tab| tab.get("/api/users/me"))).await
    };
    let (answers, ()) = join(requests, locked).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let sessions: BTreeSet<_> = tabs.iter().map(|tab| tab.cookie(SESSION)).collect();
    assert_eq!(sessions.len(), 1, "one successor for all");
    let asked = asked("RefreshSession").await - before;
    // The last tab may have come just after the exchange.
    assert!((1.0..3.0).contains(&asked), "auth was asked {asked} times");
}

#[tokio::test]
async fn a_session_that_is_over_leaves_a_stranger() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let post = ann.publish("Public").await;
    let stolen = ann.rest().copy();
    ann.rest().delete("/api/sessions/current").await.expect(204);

    stolen.set_cookie(ACCESS, None);
    stolen.get(&format!("/api/posts/{post}")).await.expect(200);
    assert_eq!(stolen.cookie(SESSION), None, "dead cookies are cleared");
    stolen.get("/api/users/me").await.refused(401, "SIGN_IN_REQUIRED");
}
