//! How much of its best a gateway still does when five times as much is asked of it.
//!
//! `cargo bench -p tests --bench overload`: real processes on this machine, which
//! they share with the clients. Capacity and overload are measured in turn.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::time::Duration;

use tests::{
    Person, Stack,
    load::{Load, Outcome},
};

const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(4);
/// Enough to keep everything busy, and fewer than are let in.
const CLIENTS: usize = 64;
/// Enough never to wait for one another while refusals come at once.
const IMPATIENT: usize = 1_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure());
}

async fn measure() {
    let factor = std::env::args().find_map(|it| it.strip_prefix("factor=")?.parse().ok());
    let factor: f64 = factor.unwrap_or(5.0);
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    for number in 0..20 {
        ann.publish(&format!("Post {number}")).await;
    }
    let token = format!("Bearer {}", ann.grpc().token());
    let headers = [("authorization", token.as_str())];
    let load = Load::get(stack.gateway.listen, "/api/users/me/posts?pageSize=20", &headers);
    load.closed(CLIENTS, TIME / 2).await;

    let mut shares = Vec::new();
    for round in 1..=ROUNDS {
        let best = load.closed(CLIENTS, TIME).await;
        let over = load.open(best.goodput() * factor, IMPATIENT, TIME).await;
        show(round, "capacity", &best);
        show(round, &format!("at {factor} times that"), &over);
        shares.push(over.goodput() / best.goodput());
    }
    shares.sort_by(f64::total_cmp);
    println!(
        "goodput under overload, of the best: {:.0} % (median of {shares:.2?})",
        shares[ROUNDS / 2] * 100.0
    );
}

fn show(round: usize, what: &str, outcome: &Outcome) {
    println!("round {round}, {what}: {}", outcome.summary());
    if let Some(first) = outcome.wrong.first() {
        println!("  wrong, for example: {first}");
    }
}
