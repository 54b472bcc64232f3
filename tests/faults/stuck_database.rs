//! A database that does not answer holds up nobody for long, and those who do not
//! need it not at all.

use std::time::Duration;

use futures_util::future::join;
use tests::{Person, Stack, within};

/// A statement has 8 s and a call 10 s; the rest is for a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_stuck_table_is_told_in_time_and_stops_nothing_else() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.publish("Stuck").await;
    let path = format!("/api/posts/{id}");
    stack
        .databases
        .content
        .while_locked("posts", async || {
            let stuck = within("the stuck request is answered", LIMIT, ann.rest().get(&path));
            let other = async {
                let path = "/api/users/me";
                within("others are served", Duration::from_secs(5), ann.rest().get(path)).await
            };
            let (stuck, other) = join(stuck, other).await;
            other.expect(200);
            assert!(matches!(stuck.status, 503 | 504), "{stuck:?}");
            assert!(!stuck.text.contains("statement"), "no word of the cause: {stuck:?}");
        })
        .await;
    ann.rest().get(&path).await.expect(200);
}
