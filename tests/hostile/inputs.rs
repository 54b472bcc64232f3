//! Thousands of inputs, each of them once: every one is answered or hung up on,
//! none is a fault of ours.

use std::{
    collections::{BTreeMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    net::SocketAddr,
    time::Instant,
};

use futures_util::{StreamExt as _, stream};
use tests::{Person, Stack};

use crate::{
    corpus::{self, Corpus},
    frames,
    harm::Before,
    random::Random,
    wire::{self, Answer, Heard},
};

const SEED: u64 = 0x6d61_696e_7374_6179;
const AT_ONCE: usize = 16;
/// Between two looks at the cookie of whoever is signed in.
const BATCH: usize = 200;

/// What has to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// A worded answer, or the end if the input is no whole request.
    AnswerOrEnd,
    /// A worded answer.
    Answer,
    /// One refusal, and the end.
    OneRefusal,
    /// Anything that is not silence.
    Life,
}

/// Inputs of one sort, and for whom.
struct Sort {
    name: &'static str,
    corpus: Corpus,
    to: SocketAddr,
    due: Due,
    count: usize,
}

fn sorts(stack: &Stack) -> Vec<Sort> {
    let [gateway, content, auth] = stack.services().map(|service| service.listen);
    let sort = |name, corpus, to, due, count| Sort { name, corpus, to, due, count };
    vec![
        sort("heads", corpus::heads, gateway, Due::AnswerOrEnd, 1_100),
        sort("heads for content", corpus::heads, content, Due::Life, 200),
        sort("smuggled", corpus::smuggled, gateway, Due::OneRefusal, 700),
        sort("header values", corpus::values, gateway, Due::Answer, 700),
        sort("paths", corpus::targets, gateway, Due::Answer, 800),
        sort("queries", corpus::queries, gateway, Due::Answer, 500),
        sort("bodies", corpus::bodies, gateway, Due::Answer, 800),
        sort("streams", corpus::streams, gateway, Due::Life, 300),
        sort("streams for content", corpus::streams, content, Due::Life, 200),
        sort("messages for content", corpus::messages, content, Due::Life, 350),
        sort("messages for auth", corpus::messages, auth, Due::Life, 250),
    ]
}

// === impl Sort ===

impl Sort {
    async fn send(&self, input: &[u8]) {
        let shown = format!("{} {:?}", self.name, String::from_utf8_lossy(input));
        if self.due == Due::Life {
            let is_enough = |bytes: &[u8]| match self.name.split(' ').next() {
                Some("streams") => frames::is_read(bytes),
                Some("messages") => frames::is_answered(bytes),
                _ => wire::is_answered(bytes),
            };
            wire::say(self.to, input, wire::SHORT, is_enough).await;
            return;
        }
        let is_whole = self.due != Due::AnswerOrEnd;
        let patience = if is_whole { wire::LONG } else { wire::SHORT };
        let Heard { bytes, is_closed } =
            wire::say(self.to, input, patience, wire::is_answered).await;
        let Some((answer, rest)) = wire::answer(&bytes) else {
            assert!(self.due == Due::AnswerOrEnd && bytes.is_empty() && is_closed, "{shown}");
            return;
        };
        answer.assert_worded(&shown);
        if self.due == Due::OneRefusal {
            self.assert_refused(&answer, rest, &shown);
            assert!(is_closed, "{shown}");
        }
    }

    fn assert_refused(&self, answer: &Answer, rest: &[u8], shown: &str) {
        assert_eq!(answer.status, 400, "{}: {shown}: {answer:?}", self.name);
        assert!(rest.is_empty(), "{shown}: two answers: {}", String::from_utf8_lossy(rest));
    }
}

/// Puts a body into a request of somebody who is signed in.
fn signed_in(body: &[u8], token: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST /api/users/me/posts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         cookie: __Host-access={token}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Attacks a product with so many times the usual number of inputs.
async fn attack(times: usize) {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    ann.publish("Here").await;
    let before = Before::look(&stack);
    let (mut seen, mut took) = (HashSet::new(), BTreeMap::new());
    for sort in sorts(&stack) {
        let (mut random, started) = (Random::new(SEED), Instant::now());
        let mut left = sort.count * times;
        while left > 0 {
            let batch = left.min(BATCH);
            left -= batch;
            ann.rest().get("/api/users/me").await.expect(200);
            let token = ann.rest().cookie("__Host-access").unwrap();
            let inputs: Vec<_> = (0..batch).map(|_| (sort.corpus)(&mut random)).collect();
            for input in &inputs {
                let mut hasher = DefaultHasher::new();
                (sort.to, input).hash(&mut hasher);
                seen.insert(hasher.finish());
            }
            let sent = inputs.iter().map(async |input| match sort.name {
                "bodies" => sort.send(&signed_in(input, &token)).await,
                _ => sort.send(input).await,
            });
            stream::iter(sent).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        }
        took.insert(sort.name, started.elapsed());
    }
    println!("{} distinct inputs: {took:?}", seen.len());
    assert!(seen.len() >= 5_000 * times, "only {} inputs differ", seen.len());
    before.assert_unharmed(&stack).await;
    ann.rest().get("/api/posts").await.expect(200);
}

#[tokio::test]
async fn five_thousand_hostile_inputs_do_no_harm() {
    attack(1).await;
}

#[tokio::test]
#[ignore = "takes minutes: for nightly runs"]
async fn a_hundred_thousand_hostile_inputs_do_no_harm() {
    attack(20).await;
}
