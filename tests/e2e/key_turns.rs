//! Keys are turned while everybody goes on, and taken away at once.

use std::time::Duration;

use auth::operator::keys;
use database::Pool;
use futures_util::future::join_all;
use jsonwebtoken::decode_header;
use platform::seal::MasterKey;
use proto::content::v1::ListPostsRequest;
use serde_json::Value;
use tests::{Grpc, Person, Stack, eventually, program, reason};
use tokio::time::sleep;

use crate::trust::another_auth;

const SOON: Duration = Duration::from_secs(30);

fn pool(stack: &Stack) -> Pool {
    Pool::new(&stack.databases.auth.url, 1).unwrap()
}

fn master(stack: &Stack) -> MasterKey {
    stack.secret_key.parse().unwrap()
}

pub(crate) fn kid(token: &str) -> String {
    decode_header(token).unwrap().kid.unwrap()
}

/// The ids of the keys that everybody sees, newest first.
async fn published(stack: &Stack) -> Vec<String> {
    let stranger = Person::stranger(stack);
    let set = stranger.rest().get("/.well-known/jwks.json").await.expect(200);
    assert!(set.header("cache-control").contains("max-age=300"));
    let keys = set.body["keys"].as_array().unwrap();
    assert!(!keys.is_empty(), "never an empty set");
    keys.iter().map(|key: &Value| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn until_published(stack: &Stack, count: usize) -> Vec<String> {
    eventually("the key set has changed", SOON, async || {
        let kids = published(stack).await;
        (kids.len() == count).then_some(kids)
    })
    .await
}

async fn sign_in(person: &Person) -> Grpc {
    let session = person.grpc().sessions().create_session(person.credentials()).await.unwrap();
    person.grpc().with_token(&session.into_inner().access_token.unwrap())
}

async fn is_believed(grpc: &Grpc) -> bool {
    grpc.posts().list_posts(ListPostsRequest::default()).await.is_ok()
}

/// Moves the time of keys.
async fn move_keys(stack: &Stack, what: &str) {
    let sql = format!("UPDATE signing_keys SET {what}");
    assert!(stack.databases.auth.execute(&sql, &[]).await >= 1);
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_until_its_last_token_has_expired() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let old = kid(ann.grpc().token());
    assert_eq!(published(&stack).await, std::slice::from_ref(&old));

    let seconds = keys::rotate(&pool(&stack), &master(&stack)).await.unwrap();
    assert!(seconds >= 600.0, "twice as long as caches keep the set");
    let kids = until_published(&stack, 2).await;
    let new = kids.iter().find(|kid| **kid != old).unwrap().clone();
    assert_eq!(kid(sign_in(&ann).await.token()), old, "it does not sign yet");
    // Asking twice makes no third.
    keys::rotate(&pool(&stack), &master(&stack)).await.unwrap();
    assert_eq!(keys::list(&pool(&stack)).await.unwrap().len(), 2);

    move_keys(&stack, "signs_from = now() - interval '1 second' WHERE signs_from > now()").await;
    let turned = eventually("the next key signs", SOON, async || {
        // A hundred sessions later the first would end.
        sleep(Duration::from_millis(500)).await;
        let grpc = sign_in(&ann).await;
        (kid(grpc.token()) == new).then_some(grpc)
    });
    let turned = turned.await;
    assert!(is_believed(&turned).await && is_believed(ann.grpc()).await, "both are good");

    // Whoever turns keys retires the old one, and later removes it.
    let (_first, _logs) = another_auth(&stack, &[]).await;
    let state = async || {
        let listed = keys::list(&pool(&stack)).await.unwrap();
        listed.into_iter().map(|key| (key.kid, key.state)).collect::<Vec<_>>()
    };
    assert_eq!(state().await, [(new.clone(), "signing"), (old.clone(), "retired")]);
    assert!(is_believed(ann.grpc()).await);
    move_keys(&stack, "retired_at = now() - interval '2 hours' WHERE retired_at IS NOT NULL").await;
    let (_second, _logs) = another_auth(&stack, &[]).await;
    assert_eq!(state().await, [(new.clone(), "signing")]);
    assert_eq!(until_published(&stack, 1).await, [new]);
    assert!(is_believed(&turned).await);
}

#[tokio::test]
async fn keys_are_turned_in_time_and_once_however_many_processes_do_it() {
    let stack = Stack::start().await;
    move_keys(&stack, "signs_from = now() - interval '40 days'").await;
    let others = join_all((0..3).map(|_| another_auth(&stack, &[]))).await;
    assert_eq!(others.len(), 3);
    let listed = keys::list(&pool(&stack)).await.unwrap();
    let states: Vec<_> = listed.iter().map(|key| key.state).collect();
    assert_eq!(states, ["next", "signing"]);
    assert_eq!(until_published(&stack, 2).await.len(), 2);
    // One that is young is left alone; one that is not, by a setting, is not.
    move_keys(&stack, "signs_from = now() - interval '2 days' WHERE signs_from <= now()").await;
    stack.databases.auth.execute("DELETE FROM signing_keys WHERE signs_from > now()", &[]).await;
    let (_patient, _logs) = another_auth(&stack, &[]).await;
    assert_eq!(keys::list(&pool(&stack)).await.unwrap().len(), 1);
    let (_quick, _logs) = another_auth(&stack, &[("MAINSTAY_KEY_ROTATION_DAYS", "2")]).await;
    assert_eq!(keys::list(&pool(&stack)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_revoked_key_has_signed_is_refused_everywhere_and_people_go_on() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    assert!(is_believed(ann.grpc()).await);
    let old = kid(ann.grpc().token());
    keys::revoke(&pool(&stack), &master(&stack), &old).await.unwrap();
    let request = ListPostsRequest::default;
    eventually("content refuses what it has signed", SOON, async || {
        let status = ann.grpc().posts().list_posts(request()).await.err()?;
        (reason(&status) == "TOKEN_INVALID").then_some(())
    })
    .await;
    let kids = published(&stack).await;
    assert!(kids.len() == 1 && kids[0] != old, "another is there at once");
    // The browser does not notice.
    ann.rest().get("/api/users/me/posts").await.expect(200);
    assert_eq!(kid(&ann.rest().cookie("__Host-access").unwrap()), kids[0]);
    let again = keys::revoke(&pool(&stack), &master(&stack), &old).await.unwrap_err();
    assert!(matches!(again, keys::Error::NoKey), "{again:?}");
    let sql = "SELECT kind FROM audit_events WHERE kind LIKE 'key.%' ORDER BY sequence";
    let kinds: Vec<String> =
        stack.databases.auth.rows(sql, &[]).await.iter().map(|row| row.get(0)).collect();
    assert_eq!(kinds, ["key.created", "key.revoked", "key.created"]);
}

#[tokio::test]
async fn an_operator_looks_after_keys_from_the_command_line() {
    let stack = Stack::start().await;
    let keys = async |arguments: &[&str]| {
        let mut command = program::command(&[&["keys"], arguments].concat());
        command.env("DATABASE_URL", &stack.databases.auth.url);
        command.env("MAINSTAY_SECRET_KEY", &stack.secret_key);
        program::run(command).await
    };
    let listed = keys(&["list"]).await;
    assert_eq!((listed.code, listed.stdout.lines().count()), (Some(0), 1), "{listed:?}");
    let old = listed.stdout.split(' ').next().unwrap().to_owned();
    assert!(listed.stdout.contains("signing"), "{listed:?}");
    let rotated = keys(&["rotate"]).await;
    assert!(rotated.stdout.contains("signs in 10 minutes"), "{rotated:?}");
    let listed = keys(&["list"]).await.stdout;
    assert!(listed.contains("next") && listed.lines().count() == 2, "{listed}");
    let revoked = keys(&["revoke", &old]).await;
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    let kids = until_published(&stack, 1).await;
    assert_ne!(kids, std::slice::from_ref(&old), "the next one took over at once");
    let unknown = keys(&["revoke", &old]).await;
    assert_eq!(unknown.code, Some(65), "{unknown:?}");
    assert!(unknown.stderr.contains("mainstay keys list"), "{unknown:?}");
    let nowhere = program::run(program::command(&["keys", "list", "--data", "/nowhere"])).await;
    assert_eq!(nowhere.code, Some(69), "{nowhere:?}");
}
