//! What signing in and staying signed in cost, and what others feel of it.
//!
//! `cargo bench -p tests --bench accounts [-- sign_ins reads refreshes checks]`: real
//! processes on this machine, which they share with the clients, and a database that
//! is durable. What is compared is measured in turn, several times; of the ratios the
//! median counts.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark, which fails by panicking and prints its result"
)]

use std::{
    cell::Cell,
    env::args,
    thread::{available_parallelism, scope},
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use futures_util::future::{join, join_all};
use platform::{token::Verifier, trust::Trust};
use proto::auth::v1::{
    CreateSessionRequest, RefreshSessionRequest, TrustPhase, WatchTrustRequest,
    trust_service_client::TrustServiceClient,
};
use tests::{
    Grpc, PASSWORD, Person, Stack,
    load::Load,
    processor::{Spent, seconds},
};

const PARTS: [&str; 4] = ["sign_ins", "reads", "refreshes", "checks"];
const ROUNDS: usize = 3;
/// The machine's speed changes within seconds, so that what is compared by throughput
/// takes turns more often.
const TURNS: usize = 15;
const TURN: Duration = Duration::from_secs(1);
const TIME: Duration = Duration::from_secs(4);
const USERS: u32 = 64;
/// Enough to keep the hashing busy and the queue short of full.
const SIGNING_IN: usize = 12;
const REFRESHING: usize = 48;
const CHECKS: u32 = 1_000;
const READS_PER_SECOND: f64 = 200.0;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(measure());
}

async fn measure() {
    tests::write_durably();
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    crowd(&stack).await;
    let clients: Vec<_> = (0..SIGNING_IN).map(|number| Client::new(&stack, number)).collect();
    sign_ins(&clients, TIME / 2).await;
    let mut parts: Vec<_> = args().skip(1).filter(|it| !it.starts_with('-')).collect();
    if parts.is_empty() {
        parts = PARTS.map(str::to_owned).to_vec();
    }
    for part in parts {
        match part.as_str() {
            "sign_ins" => signing_in(&stack, &clients).await,
            "reads" => reading(&stack, &ann, &clients).await,
            "refreshes" => refreshing(&stack).await,
            "checks" => checking(&stack, &ann).await,
            _ => panic!("{part} is none of {PARTS:?}"),
        }
    }
}

/// What it costs a service to believe a token: one that it has seen before, and one
/// that it has not.
async fn checking(stack: &Stack, ann: &Person) {
    let trust = Trust::new(Duration::from_mins(5));
    let mut client = TrustServiceClient::new(tests::channel(&stack.auth));
    let mut told = client.watch_trust(WatchTrustRequest {}).await.unwrap().into_inner();
    loop {
        let message = told.message().await.unwrap().unwrap();
        trust.hear(&message, Instant::now()).unwrap();
        if message.phase() == TrustPhase::SnapshotEnd {
            break;
        }
    }
    let token = ann.grpc().token();
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    for _ in 0..CHECKS {
        let verifier = Verifier::new(tests::ISSUER, trust.clone());
        let started = Instant::now();
        verifier.verify(token).await.unwrap();
        cold.push(started.elapsed().as_secs_f64() * 1e6);
        let started = Instant::now();
        for _ in 0..CHECKS {
            verifier.verify(token).await.unwrap();
        }
        warm.push(started.elapsed().as_secs_f64() * 1e6 / f64::from(CHECKS));
    }
    let (warm, cold) = (median(&warm), median(&cold));
    println!("token checks: {warm:.2} µs if it was seen before, {cold:.0} µs if not");
}

/// How many sign-ins there are for each that hashing alone would allow: by the clock,
/// and by processor time, which others on the machine do not take away.
async fn signing_in(stack: &Stack, clients: &[Client]) {
    let (mut shares, mut by_processor) = (Vec::new(), Vec::new());
    for round in 1..=TURNS {
        let started = seconds(std::process::id());
        let bare = bare(TURN);
        let hash = (seconds(std::process::id()) - started) / (bare * TURN.as_secs_f64());
        let before = Spent::by(stack).await;
        let (real, done) = sign_ins(clients, TURN).await;
        let spent = Spent::by(stack).await.since(&before);
        let [auth, database] = [spent.auth, spent.database].map(|it| it / done * 1_000.0);
        println!(
            "round {round}: bare argon2id {bare:.1}/s ({:.1} ms CPU), sign-ins {real:.1}/s \
             (auth {auth:.1} + PostgreSQL {database:.1} ms CPU)",
            hash * 1_000.0
        );
        shares.push(real / bare);
        by_processor.push(hash * 1_000.0 / (auth + database));
    }
    println!("sign-ins, of what hashing alone would allow: {:.2} ({shares:.2?})", median(&shares));
    println!("the same by processor time: {:.2} ({by_processor:.2?})", median(&by_processor));
}

/// What readers feel of as many sign-ins as there is room for.
async fn reading(stack: &Stack, ann: &Person, clients: &[Client]) {
    let token = format!("Bearer {}", ann.grpc().token());
    let headers = [("authorization", token.as_str())];
    let load = Load::get(stack.gateway.listen, "/api/users/me", &headers);
    let mut ratios = Vec::new();
    for round in 1..=2 * ROUNDS {
        let alone = load.open(READS_PER_SECOND, 16, TIME).await;
        let among = load.open(READS_PER_SECOND, 16, TIME);
        let (among, (signed_in, _)) = join(among, sign_ins(clients, TIME)).await;
        let tails = [p99(&alone.good), p99(&among.good)];
        println!(
            "round {round}: reads alone p99 {:.1?}, among {signed_in:.0} sign-ins/s p99 {:.1?}; wrong {}",
            tails[0],
            tails[1],
            alone.wrong.len() + among.wrong.len()
        );
        ratios.push(tails[1].as_secs_f64() / tails[0].as_secs_f64());
    }
    println!("reads, p99 among sign-ins of that alone: {:.2} ({ratios:.2?})", median(&ratios));
}

/// How many refreshes auth and `PostgreSQL` do in a second of one processor.
async fn refreshing(stack: &Stack) {
    let (mut rates, mut alone) = (Vec::new(), Vec::new());
    let clients = (0..REFRESHING).map(|number| Client::new(stack, number));
    let clients: Vec<_> = clients.collect();
    for client in &clients {
        client.sign_in().await;
    }
    for round in 1..=ROUNDS {
        let before = Spent::by(stack).await;
        let started = Instant::now();
        let done = join_all(clients.iter().map(|client| client.refresh_until(started + TIME)));
        let done: u32 = done.await.into_iter().sum();
        let took = started.elapsed();
        let spent = Spent::by(stack).await.since(&before);
        let rate = f64::from(done) / (spent.auth + spent.database);
        println!(
            "round {round}: {:.0} refreshes/s; CPU: auth {:.2} s, PostgreSQL {:.2} s of {took:.1?}: {rate:.0} per core",
            f64::from(done) / took.as_secs_f64(),
            spent.auth,
            spent.database,
        );
        rates.push(rate);
        alone.push(f64::from(done) / spent.auth);
    }
    println!("refreshes/s per core: {:.0} ({rates:.0?})", median(&rates));
    println!("the same if PostgreSQL has other cores: {:.0} ({alone:.0?})", median(&alone));
}

/// Users who all have the same password, so that it need not be hashed for each.
async fn crowd(stack: &Stack) {
    let sql = "INSERT INTO users (user_id, email, username, display_name, password_hash) \
               SELECT gen_random_uuid(), 'user' || n || '@example.com', 'user' || n, '', password_hash \
               FROM users, generate_series(0, $1 - 1) AS n";
    let count = i32::try_from(USERS).unwrap();
    assert_eq!(stack.databases.auth.execute(sql, &[&count]).await, u64::from(USERS));
}

/// Hashes a second with nothing around them, in memory that is used again.
fn bare(time: Duration) -> f64 {
    let end = Instant::now() + time;
    let hashes = || {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
        let mut memory = vec![Block::new(); Params::DEFAULT.block_count()];
        let (mut digest, mut count) = ([0; 32], 0_u32);
        while Instant::now() < end {
            let salt = [7; 16];
            let password = PASSWORD.as_bytes();
            argon2
                .hash_password_into_with_memory(password, &salt, &mut digest, &mut *memory)
                .unwrap();
            count += 1;
        }
        count
    };
    let cores = available_parallelism().unwrap().get();
    let count: u32 = scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(hashes)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    f64::from(count) / time.as_secs_f64()
}

/// Sign-ins a second, and how many, of people who sign in again and again with a known device.
async fn sign_ins(clients: &[Client], time: Duration) -> (f64, f64) {
    let started = Instant::now();
    let end = started + time;
    let done = join_all(clients.iter().map(async |client| {
        let mut done = 0_u32;
        while Instant::now() < end {
            client.sign_in().await;
            done += 1;
        }
        done
    }));
    let done = f64::from(done.await.into_iter().sum::<u32>());
    (done / started.elapsed().as_secs_f64(), done)
}

/// Somebody with a device.
struct Client {
    grpc: Grpc,
    email: String,
    device: Cell<Option<String>>,
    token: Cell<String>,
}

// === impl Client ===

impl Client {
    fn new(stack: &Stack, number: usize) -> Self {
        let email = format!("user{number}@example.com");
        Self { grpc: Grpc::new(stack), email, device: Cell::default(), token: Cell::default() }
    }

    async fn sign_in(&self) {
        let request = CreateSessionRequest {
            email: self.email.clone(),
            password: PASSWORD.to_owned(),
            device_token: self.device.take(),
            ..CreateSessionRequest::default()
        };
        let reply = self.grpc.sessions().create_session(request).await.unwrap().into_inner();
        self.device.set(reply.device_token);
        self.token.set(reply.refresh_token.unwrap());
    }

    async fn refresh_until(&self, end: Instant) -> u32 {
        let mut done = 0;
        while Instant::now() < end {
            let request = RefreshSessionRequest { refresh_token: self.token.take() };
            let reply = self.grpc.sessions().refresh_session(request).await.unwrap();
            self.token.set(reply.into_inner().refresh_token.unwrap());
            done += 1;
        }
        done
    }
}

fn p99(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
