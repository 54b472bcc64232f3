//! Whoever is not trusted any more is refused at once, by every process.

mod silence;
mod stream;

use std::time::Duration;

use auth::operator::trust;
use database::Pool;
use proto::{
    auth::v1::{DeleteSessionRequest, DeleteUserRequest, GetUserRequest},
    content::v1::ListPostsRequest,
};
use tests::{Grpc, Person, Service, Stack, eventually, reason};
use tonic::Status;
use uuid::Uuid;

const MINE: &str = "/api/users/me/posts";
/// What is promised is a second; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// Asks content for something that a stranger may ask for, too.
async fn look(grpc: &Grpc) -> Result<(), Status> {
    grpc.posts().list_posts(ListPostsRequest::default()).await.map(drop)
}

/// Asks auth.
async fn ask(grpc: &Grpc) -> Result<(), Status> {
    let me = GetUserRequest { user_id: "me".to_owned() };
    grpc.users().get_user(me).await.map(drop)
}

/// Waits until both services refuse a token for a reason.
async fn until_refused(grpc: &Grpc, why: &str) {
    eventually(&format!("content says {why}"), SOON, async || {
        look(grpc).await.err().filter(|status| reason(status) == why)
    })
    .await;
    eventually(&format!("auth says {why}"), SOON, async || {
        ask(grpc).await.err().filter(|status| reason(status) == why)
    })
    .await;
}

/// Another auth process on the same database.
pub(crate) async fn another_auth(
    stack: &Stack,
    more: &[(&str, &str)],
) -> (Service, tempfile::TempDir) {
    let logs = tempfile::tempdir().unwrap();
    let settings = [
        ("MAINSTAY_LISTEN", "localhost:0"),
        ("MAINSTAY_ADMIN_LISTEN", "localhost:0"),
        ("MAINSTAY_LOG_FORMAT", "json"),
        ("MAINSTAY_STOP_ON_STDIN_CLOSE", "true"),
        ("MAINSTAY_DATABASE_CONNECTIONS", "2"),
        ("DATABASE_URL", &stack.databases.auth.url),
        ("MAINSTAY_SECRET_KEY", &stack.secret_key),
        ("MAINSTAY_ISSUER", tests::ISSUER),
    ];
    let settings = settings.iter().chain(more);
    let settings = settings.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    (Service::start("auth", settings, logs.path()).await, logs)
}

fn pool(stack: &Stack) -> Pool {
    Pool::new(&stack.databases.auth.url, 1).unwrap()
}

#[tokio::test]
async fn a_session_that_was_ended_is_refused_by_every_service_and_no_other_is() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let elsewhere = ann.on_another_device(&stack).await;
    let stolen = ann.rest().copy();
    look(ann.grpc()).await.unwrap();
    elsewhere.get(MINE).await.expect(200);

    ann.rest().delete("/api/sessions/current").await.expect(204);
    eventually("content refuses the cookie", SOON, async || {
        let answer = stolen.get(MINE).await;
        (answer.status == 401).then(|| answer.refused(401, "SESSION_ENDED"))
    })
    .await;
    assert_eq!(stolen.cookie("__Host-session"), None, "the gateway forgets both");
    assert_eq!(stolen.cookie("__Host-access"), None);
    // Their other sessions go on.
    look(ann.grpc()).await.unwrap();
    elsewhere.get(MINE).await.expect(200);
    let end = DeleteSessionRequest { session_id: "current".to_owned() };
    ann.grpc().sessions().delete_session(end).await.unwrap();
    until_refused(ann.grpc(), "SESSION_ENDED").await;
    elsewhere.get(MINE).await.expect(200);
    // Signing out twice is signing out, and a dead token ends nothing else.
    let own = DeleteSessionRequest { session_id: "current".to_owned() };
    ann.grpc().sessions().delete_session(own).await.unwrap();
    let session_id = elsewhere.get("/api/sessions/current").await.expect(200).text_at("/id");
    let other = ann.grpc().sessions().delete_session(DeleteSessionRequest { session_id }).await;
    assert_eq!(reason(&other.unwrap_err()), "SESSION_ENDED");
    elsewhere.get(MINE).await.expect(200);
}

#[tokio::test]
async fn a_suspended_user_is_refused_until_restored() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let ann_id = Uuid::try_parse(&ann.id).unwrap();
    trust::suspend_user(&pool(&stack), ann_id).await.unwrap();
    until_refused(ann.grpc(), "SESSION_ENDED").await;
    look(bob.grpc()).await.unwrap();
    let refreshed = ann.rest().post("/api/sessions/current/refresh", serde_json::json!({})).await;
    refreshed.refused(401, "SESSION_ENDED");

    trust::restore_user(&pool(&stack), ann_id).await.unwrap();
    // What was ended stays ended; a new session is a new beginning.
    let stranger = Person::stranger(&stack);
    until_refused(ann.grpc(), "SESSION_ENDED").await;
    eventually("a new session is trusted", SOON, async || {
        let session = stranger.grpc().sessions().create_session(ann.credentials()).await;
        let token = session.ok()?.into_inner().access_token.unwrap();
        let grpc = ann.grpc().with_token(&token);
        look(&grpc).await.ok()?;
        ask(&grpc).await.ok()
    })
    .await;
}

#[tokio::test]
async fn a_deleted_user_is_refused_by_every_service() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let delete = DeleteUserRequest { user_id: "me".to_owned() };
    ann.grpc().users().delete_user(delete).await.unwrap();
    until_refused(ann.grpc(), "SESSION_ENDED").await;
}

#[tokio::test]
async fn what_another_process_or_an_operator_ends_is_refused_all_the_same() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let (other, _logs) = another_auth(&stack, &[]).await;
    let mut users = proto::auth::v1::session_service_client::SessionServiceClient::with_interceptor(
        tests::channel(&other),
        tests::Bearer::of(ann.grpc().token()),
    );
    let end = DeleteSessionRequest { session_id: "current".to_owned() };
    users.delete_session(end).await.unwrap();
    until_refused(ann.grpc(), "SESSION_ENDED").await;

    // Nobody can end a session without telling: not even a statement typed by hand.
    look(bob.grpc()).await.unwrap();
    let sql = "UPDATE sessions SET ended_at = now() WHERE user_id = $1::text::uuid";
    assert_eq!(stack.databases.auth.execute(sql, &[&bob.id]).await, 2);
    until_refused(bob.grpc(), "SESSION_ENDED").await;
}

#[tokio::test]
async fn the_loss_of_the_connection_that_listens_is_no_loss() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND query LIKE '%auth.trust%' AND pid <> pg_backend_pid()";
    eventually("somebody listens", SOON, async || {
        (!stack.databases.auth.rows(sql, &[]).await.is_empty()).then_some(())
    })
    .await;
    ann.rest().delete("/api/sessions/current").await.expect(204);
    let end = DeleteSessionRequest { session_id: "current".to_owned() };
    ann.grpc().sessions().delete_session(end).await.unwrap();
    until_refused(ann.grpc(), "SESSION_ENDED").await;
}

#[tokio::test]
async fn what_no_token_can_be_about_any_more_is_forgotten() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    ann.rest().delete("/api/sessions/current").await.expect(204);
    let database = &stack.databases.auth;
    let count = async || database.rows("SELECT FROM trust_events", &[]).await.len();
    assert!(count().await >= 1);
    let sql = "UPDATE trust_events SET expires_at = now() - interval '1 second'";
    database.execute(sql, &[]).await;
    let (_other, _logs) = another_auth(&stack, &[]).await;
    assert_eq!(count().await, 0);
}
