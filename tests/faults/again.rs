//! Whoever gets no answer sends the same request again with the same idempotency
//! key, and it is done once: not twice, and not never.

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use futures_util::future::{join, join_all};
use serde_json::json;
use tests::{Person, Rest, Stack, eventually};

const CLIENTS: usize = 8;
const POSTS: usize = 30;
const KILLS: usize = 3;
const LIMIT: Duration = Duration::from_mins(2);

/// What happened so far.
#[derive(Debug, Default)]
struct Seen {
    written: Cell<usize>,
    unanswered: Cell<usize>,
    replayed: Cell<usize>,
}

fn count(cell: &Cell<usize>) {
    cell.set(cell.get() + 1);
}

/// Writes posts, each until it is acknowledged. Returns their ids by title.
async fn write(seen: &Seen, rest: &Rest, client: usize) -> BTreeMap<String, String> {
    let mut ids = BTreeMap::new();
    for number in 0..POSTS {
        let title = format!("client {client} post {number}");
        let id = eventually(&title, LIMIT, async || {
            let call = rest.call("POST", "/api/users/me/posts").json(&json!({"title": title}));
            let call = call.header("idempotency-key", &title.replace(' ', "-"));
            match call.try_send().await {
                Ok(answer) if answer.status == 201 => {
                    if answer.header("idempotent-replayed") == "true" {
                        count(&seen.replayed);
                    }
                    Some(answer.text_at("/id"))
                }
                Ok(answer) => {
                    let is_passing = matches!(answer.status, 409 | 503 | 504);
                    assert!(is_passing, "{answer:?}");
                    count(&seen.unanswered);
                    None
                }
                Err(_lost) => None,
            }
        })
        .await;
        count(&seen.written);
        ids.insert(title, id);
    }
    ids
}

/// Kills content while requests are under way.
async fn kill(seen: &Seen, stack: &mut Stack) {
    for round in 1..=KILLS {
        let enough = round * CLIENTS * POSTS / (KILLS + 2);
        let written = async || (seen.written.get() >= enough).then_some(());
        eventually("writes go on", LIMIT, written).await;
        let unanswered = seen.unanswered.get();
        stack.content.kill();
        let is_felt = async || (seen.unanswered.get() > unanswered).then_some(());
        eventually("the kill is felt", LIMIT, is_felt).await;
        stack.content.start_again().await;
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_after_a_kill_is_done_once() {
    let mut stack = Stack::start().await;
    let names: Vec<_> = (0..CLIENTS).map(|client| format!("client-{client}")).collect();
    let people = join_all(names.iter().map(|name| Person::user(&stack, name))).await;
    let seen = Seen::default();
    let clients = people.iter().enumerate();
    let clients = clients.map(|(number, person)| write(&seen, person.rest(), number));
    let (told, ()) = join(join_all(clients), kill(&seen, &mut stack)).await;
    let told: BTreeMap<_, _> = told.into_iter().flatten().collect();

    let rows = stack.databases.content.rows("SELECT title, post_id::text FROM posts", &[]).await;
    assert_eq!(rows.len(), CLIENTS * POSTS, "as many as were asked for: {seen:?}");
    let there: BTreeMap<String, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(there, told, "each with the id that its writer was told");
    assert!(seen.unanswered.get() >= KILLS, "{seen:?}");
}

#[tokio::test]
async fn a_hundred_requests_with_one_key_are_one_even_after_a_kill() {
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let sent = Cell::new(0);
    let create = async |_| {
        eventually("the post is written", LIMIT, async || {
            let call = ann.rest().call("POST", "/api/users/me/posts");
            let call = call.json(&json!({"title": "Once"})).header("idempotency-key", "one");
            count(&sent);
            let answer = call.try_send().await.ok()?;
            (answer.status == 201).then(|| answer.text_at("/id"))
        })
        .await
    };
    let kill = async {
        let are_sent = async || (sent.get() >= 100).then_some(());
        eventually("all are sent", LIMIT, are_sent).await;
        stack.content.kill();
        stack.content.start_again().await;
    };
    let (ids, ()) = join(join_all((0..100).map(create)), kill).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(stack.databases.content.rows("SELECT FROM posts", &[]).await.len(), 1);
}
