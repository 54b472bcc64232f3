//! One suite for both places where budgets are kept.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use proto::options::v1::RateClass;
use tokio::time::sleep;
use uuid::Uuid;

use super::{Limits, Payer, Rates, Settings, Standing, Store};

const LIMIT: Duration = Duration::from_secs(20);

/// A server of our own on any free port, until it is dropped.
struct Redis {
    child: Child,
    port: u16,
}

// === impl Redis ===

impl Redis {
    async fn start() -> Self {
        // Nobody else is given the port in the moment that it is free again.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_at(port).await
    }

    async fn start_at(port: u16) -> Self {
        let spawn = |program: &str| {
            Command::new(program)
                .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
                .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
                .current_dir(std::env::temp_dir())
                .stdout(Stdio::null())
                .spawn()
        };
        let child = spawn("redis-server").or_else(|_missing| spawn("valkey-server"));
        let child = child.expect(
            "redis-server or valkey-server is installed: on Debian, apt-get install redis-server",
        );
        let mut redis = Self { child, port };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = redis.child.try_wait().unwrap();
            assert!(ended.is_none() && started.elapsed() < LIMIT, "it starts: {ended:?}");
            sleep(Duration::from_millis(10)).await;
        }
        redis
    }

    fn store(&self) -> Store {
        format!("redis://127.0.0.1:{}/", self.port).parse().unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn limits(rates: &str, store: Option<Store>) -> Limits {
    let rates: Rates = rates.parse().unwrap();
    Limits::new("tested", &Settings { rates, store, ..Settings::off() })
}

fn somebody() -> Payer {
    Payer::User(Uuid::now_v7())
}

async fn take(limits: &Limits, class: RateClass, payer: Payer) -> Standing {
    limits.take(class, payer).await.unwrap()
}

fn is_allowed(standing: Standing) -> bool {
    standing.check().is_ok()
}

/// What holds wherever budgets are kept.
async fn conforms(store: impl Fn() -> Option<Store>) {
    budgets_are_spent_to_the_last_and_no_further(&limits("read=5/60s", store())).await;
    budgets_fill_up_again(&limits("read=4/2s", store())).await;
    budgets_are_kept_apart(&limits("read=1/60s,write=1/60s", store())).await;
    those_who_come_together_share_one_budget(&limits("read=50/600s", store())).await;
    let off = limits("read=off", store());
    assert!(off.take(RateClass::Read, somebody()).await.is_none());
}

async fn budgets_are_spent_to_the_last_and_no_further(limits: &Limits) {
    let ann = somebody();
    for left in [4, 3, 2, 1, 0] {
        let standing = take(limits, RateClass::Read, ann).await;
        assert_eq!((is_allowed(standing), standing.taken.remaining), (true, left));
    }
    for _ in 0..3 {
        let standing = take(limits, RateClass::Read, ann).await;
        assert!(!is_allowed(standing));
        // One every 12 s, and the first of them is on its way.
        let wait = standing.taken.wait;
        assert!(wait > Duration::from_secs(5) && wait <= Duration::from_secs(12), "{wait:?}");
    }
}

async fn budgets_fill_up_again(limits: &Limits) {
    let ann = somebody();
    let started = Instant::now();
    while is_allowed(take(limits, RateClass::Read, ann).await) {}
    let refused = take(limits, RateClass::Read, ann).await;
    assert!(refused.taken.wait <= Duration::from_millis(500), "{refused:?}");
    let mut allowed = 4;
    while allowed < 8 {
        assert!(started.elapsed() < LIMIT, "one more every half second");
        let standing = take(limits, RateClass::Read, ann).await;
        allowed += u32::from(is_allowed(standing));
        sleep(Duration::from_millis(20)).await;
    }
    // Four at once, four more in two seconds: never faster, whatever the clock's grain.
    assert!(started.elapsed() >= Duration::from_millis(1_900), "{:?}", started.elapsed());
}

async fn budgets_are_kept_apart(limits: &Limits) {
    let (ann, bob) = (somebody(), somebody());
    assert!(is_allowed(take(limits, RateClass::Read, ann).await));
    assert!(!is_allowed(take(limits, RateClass::Read, ann).await));
    assert!(is_allowed(take(limits, RateClass::Read, bob).await), "another payer");
    assert!(is_allowed(take(limits, RateClass::Write, ann).await), "another class");
}

async fn those_who_come_together_share_one_budget(limits: &Limits) {
    let ann = somebody();
    let all = join_all((0..200).map(|_| take(limits, RateClass::Read, ann))).await;
    assert_eq!(all.into_iter().filter(|standing| is_allowed(*standing)).count(), 50);
}

#[tokio::test]
async fn budgets_in_memory_conform() {
    conforms(|| None).await;
}

#[tokio::test]
async fn budgets_in_a_server_conform() {
    let redis = Redis::start().await;
    conforms(|| Some(redis.store())).await;
}

#[tokio::test]
async fn processes_of_one_name_share_what_is_in_a_server() {
    let redis = Redis::start().await;
    let rates = "read=10/600s";
    let one = limits(rates, Some(redis.store()));
    let other = limits(rates, Some(redis.store()));
    let ann = somebody();
    let mut allowed = 0;
    for _ in 0..10 {
        allowed += usize::from(is_allowed(take(&one, RateClass::Read, ann).await));
        allowed += usize::from(is_allowed(take(&other, RateClass::Read, ann).await));
    }
    assert_eq!(allowed, 10);
}

#[tokio::test]
async fn a_server_that_is_gone_stops_nobody_and_is_used_again_when_it_is_back() {
    let redis = Redis::start().await;
    let port = redis.port;
    let limits = limits("read=3/600s", Some(redis.store()));
    let ann = somebody();
    assert!(is_allowed(take(&limits, RateClass::Read, ann).await));
    drop(redis);
    // From now on this process counts for itself: three, and no more.
    let mut allowed = 0;
    for _ in 0..20 {
        let asked = Instant::now();
        allowed += usize::from(is_allowed(take(&limits, RateClass::Read, ann).await));
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
    assert_eq!(allowed, 3);
    let redis = Redis::start_at(port).await;
    let started = Instant::now();
    // A server that was started afresh knows nobody.
    while !is_allowed(take(&limits, RateClass::Read, ann).await) {
        assert!(started.elapsed() < LIMIT, "the server is asked again");
        sleep(Duration::from_millis(20)).await;
    }
    drop(redis);
}
