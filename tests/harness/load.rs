//! Clients by the hundred: as fast as they are answered, or at a pace of their own.
//!
//! They speak just enough HTTP/1.1 to be cheap, because they share a machine with
//! what they measure.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep_until, timeout},
};

/// Whoever waits longer has left.
const PATIENCE: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(20);

/// One request, to be sent many times.
#[derive(Clone, Debug)]
pub struct Load {
    address: SocketAddr,
    request: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How long the clients went on.
    pub took: Duration,
    /// After how long somebody was answered well; later answers than a second do
    /// not count.
    pub good: Vec<Duration>,
    /// After how long somebody was told to come again later, and when.
    pub refused: Vec<Duration>,
    /// Everything else: other statuses, late answers, refusals that say not when.
    pub wrong: Vec<String>,
}

enum Seen {
    Good,
    Refused,
    Wrong(String),
}

// === impl Load ===

impl Load {
    /// A GET with headers of its own.
    pub fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        Self { address, request: request.into_bytes() }
    }

    /// So many clients, each of which asks again as soon as it is answered.
    pub async fn closed(&self, clients: u32, time: Duration) -> Outcome {
        let end = Instant::now() + time;
        let due = |_| move |_: u32| (Instant::now() < end).then(Instant::now);
        self.run(clients, due).await
    }

    /// So many requests a second, however they are answered.
    pub async fn open(&self, per_second: f64, clients: u32, time: Duration) -> Outcome {
        let start = Instant::now();
        let due = |client: u32| {
            move |turn: u32| {
                let number = f64::from(turn) * f64::from(clients) + f64::from(client);
                let due = Duration::from_secs_f64(number / per_second);
                (due < time).then(|| start + due)
            }
        };
        self.run(clients, due).await
    }

    async fn run<N: FnMut(u32) -> Option<Instant>>(
        &self,
        clients: u32,
        due: impl Fn(u32) -> N,
    ) -> Outcome {
        let started = Instant::now();
        let clients = (0..clients).map(|client| self.client(due(client)));
        let mut all = Outcome::default();
        for outcome in join_all(clients).await {
            all.good.extend(outcome.good);
            all.refused.extend(outcome.refused);
            all.wrong.extend(outcome.wrong);
        }
        all.took = started.elapsed();
        all
    }

    async fn client(&self, mut due: impl FnMut(u32) -> Option<Instant>) -> Outcome {
        let mut outcome = Outcome::default();
        let mut stream = None;
        let mut turn = 0;
        while let Some(due) = due(turn) {
            turn += 1;
            sleep_until(due.into()).await;
            let seen = timeout(LIMIT, self.exchange(&mut stream)).await;
            // A client that is behind its pace has waited since it wanted to ask.
            let waited = due.elapsed();
            match seen {
                Ok(Ok(Seen::Good)) if waited <= PATIENCE => outcome.good.push(waited),
                Ok(Ok(Seen::Good)) => outcome.wrong.push("late".to_owned()),
                Ok(Ok(Seen::Refused)) => outcome.refused.push(waited),
                Ok(Ok(Seen::Wrong(what))) => outcome.wrong.push(what),
                Ok(Err(error)) => {
                    outcome.wrong.push(error.to_string());
                    stream = None;
                }
                Err(_elapsed) => {
                    outcome.wrong.push("no answer".to_owned());
                    stream = None;
                }
            }
        }
        outcome
    }

    async fn exchange(&self, stream: &mut Option<TcpStream>) -> std::io::Result<Seen> {
        if stream.is_none() {
            let connected = TcpStream::connect(self.address).await?;
            connected.set_nodelay(true)?;
            *stream = Some(connected);
        }
        let open = stream.as_mut().unwrap();
        open.write_all(&self.request).await?;
        let mut buffer = Vec::with_capacity(16 * 1024);
        let head = loop {
            if open.read_buf(&mut buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(end) = buffer.windows(4).position(|it| it == b"\r\n\r\n") {
                break String::from_utf8_lossy(&buffer[..end]).to_lowercase();
            }
        };
        let header =
            |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let length: usize = header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
        while buffer.len() < head.len() + 4 + length {
            if open.read_buf(&mut buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        let seen = match (head.split(' ').nth(1), header("retry-after")) {
            (Some("200"), _) => Seen::Good,
            (Some("503" | "429"), Some(_)) => Seen::Refused,
            _ => Seen::Wrong(head.lines().next().unwrap_or_default().to_owned()),
        };
        if header("connection") == Some("close") {
            *stream = None;
        }
        Ok(seen)
    }
}

// === impl Outcome ===

impl Outcome {
    /// Good answers a second.
    pub fn goodput(&self) -> f64 {
        f64::from(u32::try_from(self.good.len()).unwrap()) / self.took.as_secs_f64()
    }

    /// A summary for people.
    pub fn summary(&self) -> String {
        let (good, refused) = (percentiles(&self.good), percentiles(&self.refused));
        format!(
            "{:.0} good/s ({good}), {} refused ({refused}), {} wrong",
            self.goodput(),
            self.refused.len(),
            self.wrong.len()
        )
    }
}

/// The median and the 99th percentile.
fn percentiles(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    format!("p50 {:.1?}, p99 {:.1?}", at(50), at(99))
}
