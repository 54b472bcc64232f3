//! How much of its best a gateway still does when five times as much is asked of it.
//!
//! `cargo bench -p tests --bench overload -- factor=5 posts=20`: real processes on this machine, which
//! they share with the clients. Capacity and overload are measured in turn.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark, which fails by panicking and prints its result"
)]

use std::time::Duration;

use tests::{
    Person, Stack,
    load::{Load, Outcome},
};

const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(4);
/// Enough to keep everything busy, and too few for anybody to be refused.
const CLIENTS: u32 = 24;
/// Enough never to wait for one another while refusals come at once.
const IMPATIENT: u32 = 1_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure());
}

async fn measure() {
    let argument = |name: &str, usual: f64| {
        let given = std::env::args().find_map(|it| it.strip_prefix(name)?.parse().ok());
        given.unwrap_or(usual)
    };
    let (factor, posts) = (argument("factor=", 5.0), argument("posts=", 20.0));
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let mut number = 0.0;
    while number < posts {
        number += 1.0;
        ann.publish(&format!("Post {number}")).await;
    }
    let token = format!("Bearer {}", ann.grpc().token());
    let headers = [("authorization", token.as_str())];
    let path = format!("/api/users/me/posts?pageSize={posts}");
    let load = Load::get(stack.gateway.listen, &path, &headers);
    load.closed(CLIENTS, TIME / 2).await;

    let mut shares = Vec::new();
    for round in 1..=ROUNDS {
        let before = Spent::by(&stack);
        let best = load.closed(CLIENTS, TIME).await;
        let between = Spent::by(&stack);
        let over = load.open(best.goodput() * factor, IMPATIENT, TIME).await;
        let after = Spent::by(&stack);
        show(round, "capacity", &best, &between.since(&before));
        show(round, &format!("at {factor} times that"), &over, &after.since(&between));
        shares.push(over.goodput() / best.goodput());
    }
    shares.sort_by(f64::total_cmp);
    println!(
        "goodput under overload, of the best: {:.0} % (median of {shares:.2?})",
        shares[ROUNDS / 2] * 100.0
    );
}

fn show(round: usize, what: &str, outcome: &Outcome, spent: &Spent) {
    println!("round {round}, {what}: {}; {}", outcome.summary(), spent.summary());
    if let Some(first) = outcome.wrong.first() {
        println!("  wrong, for example: {first}");
    }
}

/// Processor time, in hundredths of a second: gateway, content, auth, clients.
struct Spent([u64; 4]);

// === impl Spent ===

impl Spent {
    fn by(stack: &Stack) -> Self {
        let [gateway, content, auth] = stack.services().map(tests::Service::pid);
        Self([gateway, content, auth, std::process::id()].map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // The fields after the name in parentheses: the 12th and the 13th.
            let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
            fields.skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum()
        }))
    }

    fn since(&self, before: &Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] - before.0[at]))
    }

    fn summary(&self) -> String {
        let [gateway, content, auth, clients] = self.0.map(|ticks| ticks * 10);
        format!("CPU ms: gateway {gateway}, content {content}, auth {auth}, clients {clients}")
    }
}
