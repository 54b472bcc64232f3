//! An end is seen everywhere within a second, also by those whose auth was killed
//! meanwhile.

use std::time::{Duration, Instant};

use auth::operator::trust;
use database::Pool;
use futures_util::future::join3;
use proto::{auth::v1::GetUserRequest, content::v1::ListPostsRequest};
use tests::{Forge, Grpc, Person, Stack, eventually, reason};
use tonic::Status;
use uuid::Uuid;

const TRIES: usize = 200;
/// Before which tries auth is killed.
const KILLS: [usize; 2] = [60, 140];
const LIMIT: Duration = Duration::from_secs(30);
/// What the product promises.
const PROMISED: Duration = Duration::from_secs(1);

async fn of_content(grpc: &Grpc) -> Result<(), Status> {
    grpc.posts().list_posts(ListPostsRequest::default()).await.map(drop)
}

async fn of_auth(grpc: &Grpc) -> Result<(), Status> {
    let me = GetUserRequest { user_id: "me".to_owned() };
    grpc.users().get_user(me).await.map(drop)
}

/// How long after an end a service still believed in the session.
async fn until_ended(since: Instant, ask: impl AsyncFn() -> Result<(), Status>) -> Duration {
    eventually("the end is seen", LIMIT, async || {
        let status = ask().await.err()?;
        (reason(&status) == "SESSION_ENDED").then(|| since.elapsed())
    })
    .await
}

/// One session after the other is ended by another process. Auth is killed before
/// some of them and started again at the same time.
#[tokio::test]
async fn an_end_is_seen_by_every_process_within_a_second() {
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let forge = Forge::of(&stack).await;
    let pool = Pool::new(&stack.databases.auth.url, 1).unwrap();
    let mut took = Vec::new();
    let mut killed = Vec::new();
    for number in 0..TRIES {
        let session_id = Uuid::now_v7();
        let claims = Forge::claims(&ann.id, &session_id.to_string(), &[]);
        let grpc = ann.grpc().with_token(&forge.sign(&claims));
        eventually("the token is good", LIMIT, async || {
            of_content(&grpc).await.ok()?;
            of_auth(&grpc).await.ok()
        })
        .await;
        let is_killed = KILLS.contains(&number);
        if is_killed {
            stack.auth.kill();
        }
        trust::revoke_sessions(&pool, &[session_id]).await.unwrap();
        let since = Instant::now();
        let again = async {
            if is_killed {
                stack.auth.start_again().await;
            }
        };
        let content = until_ended(since, async || of_content(&grpc).await);
        let auth = until_ended(since, async || of_auth(&grpc).await);
        let (content, auth, ()) = join3(content, auth, again).await;
        if is_killed { &mut killed } else { &mut took }.push(content.max(auth));
    }
    took.sort();
    let [half, most, last] = [TRIES / 2, TRIES * 99 / 100 - KILLS.len() - 1, took.len() - 1];
    let [half, most, last] = [took[half], took[most], took[last]];
    println!("an end was seen everywhere in {half:?} (p50), {most:?} (p99), {last:?} (most)");
    println!("after kill -9 and with the restart of auth in {killed:?}");
    assert!(most <= PROMISED, "{most:?}");
}
