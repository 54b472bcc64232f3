//! A write that was acknowledged is there, once, whatever is killed meanwhile.
//!
//! Clients write posts with titles of their own and keep a ledger of what they
//! were told. Content is killed under them twice. Afterwards the ledger and the
//! shelves are compared, as robustness tests of databases do.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::{join, join_all};
use serde_json::json;
use tests::{Person, Rest, Stack, eventually};

const CLIENTS: usize = 8;
/// Acknowledged writes between two kills.
const BETWEEN_KILLS: usize = 60;
const LIMIT: Duration = Duration::from_mins(1);

/// What a client was told about a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// It is done.
    Acknowledged,
    /// It was refused and must not be there.
    Refused,
    /// Nothing, or that something broke on the way: both outcomes are right.
    Unknown,
}

/// What all clients were told, by title.
#[derive(Debug, Default)]
struct Ledger {
    entries: RefCell<BTreeMap<String, Told>>,
    is_closed: Cell<bool>,
}

// === impl Ledger ===

impl Ledger {
    fn note(&self, title: String, told: Told) {
        assert_eq!(self.entries.borrow_mut().insert(title, told), None, "titles are unique");
    }

    fn count(&self, told: Told) -> usize {
        self.entries.borrow().values().filter(|it| **it == told).count()
    }

    async fn until(&self, what: &str, enough: impl Fn(&Self) -> bool) {
        eventually(what, LIMIT, async || enough(self).then_some(())).await;
    }
}

/// Writes one post after the other until the ledger is closed.
async fn write(ledger: &Ledger, rest: &Rest, client: usize) {
    let mut number = 0;
    while !ledger.is_closed.get() {
        number += 1;
        let title = format!("client {client} post {number}");
        let call = rest.call("POST", "/api/users/me/posts").json(&json!({"title": title}));
        let told = match call.try_send().await {
            Ok(answer) if answer.status == 201 => Told::Acknowledged,
            Ok(answer) if answer.status < 500 => Told::Refused,
            Ok(_) | Err(_) => Told::Unknown,
        };
        ledger.note(title, told);
    }
}

/// Kills content under the writers and starts it again, twice.
async fn kill(ledger: &Ledger, stack: &mut Stack) {
    for _ in 0..2 {
        let before = ledger.count(Told::Acknowledged);
        let goes_on = |it: &Ledger| it.count(Told::Acknowledged) >= before + BETWEEN_KILLS;
        ledger.until("writes go on", goes_on).await;
        let unknown = ledger.count(Told::Unknown);
        stack.content.kill();
        let is_felt = |it: &Ledger| it.count(Told::Unknown) > unknown;
        ledger.until("the kill is felt", is_felt).await;
        stack.content.start_again().await;
    }
    let before = ledger.count(Told::Acknowledged);
    let goes_on = |it: &Ledger| it.count(Told::Acknowledged) >= before + BETWEEN_KILLS;
    ledger.until("writes go on", goes_on).await;
    ledger.is_closed.set(true);
}

/// How often each title is on the shelf of its author.
async fn shelf(rest: &Rest) -> BTreeMap<String, usize> {
    let (mut titles, mut ids, mut token) = (BTreeMap::new(), BTreeSet::new(), String::new());
    loop {
        let path = format!("/api/users/me/posts?pageSize=100{token}");
        let page = rest.get(&path).await.expect(200);
        for post in page.body["posts"].as_array().unwrap() {
            let text = |name: &str| post[name].as_str().unwrap().to_owned();
            assert!(ids.insert(text("id")), "a page repeats {post}");
            *titles.entry(text("title")).or_default() += 1;
        }
        let Some(next) = page.body["nextPageToken"].as_str() else { return titles };
        token = format!("&pageToken={next}");
    }
}

#[tokio::test]
async fn every_acknowledged_post_is_there_once_after_two_kills() {
    let mut stack = Stack::start().await;
    let names: Vec<_> = (0..CLIENTS).map(|client| format!("client-{client}")).collect();
    let people = join_all(names.iter().map(|name| Person::user(&stack, name))).await;
    let ledger = Ledger::default();
    let clients = people.iter().enumerate();
    let clients = clients.map(|(number, person)| write(&ledger, person.rest(), number));
    join(join_all(clients), kill(&ledger, &mut stack)).await;

    let mut found = BTreeMap::new();
    for person in &people {
        found.extend(shelf(person.rest()).await);
    }
    let entries = ledger.entries.into_inner();
    let mut wrong = Vec::new();
    for (title, told) in &entries {
        let times = found.remove(title).unwrap_or_default();
        let is_right = match told {
            Told::Acknowledged => times == 1,
            Told::Refused => times == 0,
            Told::Unknown => times <= 1,
        };
        if !is_right {
            wrong.push(format!("{title} was {told:?} and is there {times} times"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found.is_empty(), "nobody wrote {found:?}");
    let count = |told: Told| entries.values().filter(|it| **it == told).count();
    assert_eq!(count(Told::Refused), 0, "nobody did anything wrong: {entries:?}");
    assert!(count(Told::Acknowledged) >= 50, "too few writes to say anything: {entries:?}");
}

#[tokio::test]
async fn a_request_that_meets_a_dead_service_is_told_to_come_again() {
    let mut stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    stack.content.kill();
    for _ in 0..3 {
        let answer = ann.rest().get("/api/posts").await.refused(503, "UNAVAILABLE");
        assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{answer:?}");
    }
    ann.rest().get("/api/users/me").await.expect(200);
    stack.content.start_again().await;
    eventually("content answers again", LIMIT, async || {
        (ann.rest().get("/api/posts").await.status == 200).then_some(())
    })
    .await;
}
