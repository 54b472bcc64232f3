//! The rows of the table, and how they are measured.

use std::{hint::black_box, marker::PhantomData, time::Duration};

use gateway::codec::{Absent, Codec, Unknown};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use rustix::time::{ClockId, clock_gettime};
use serde::{Serialize, de::DeserializeOwned};

const ROUNDS: usize = 61;
/// How long a row runs in a round, roughly.
const SLICE_NANOS: f64 = 5e6;

/// A message, and the plain struct with the same JSON.
pub(crate) struct Sample<M, P> {
    message: M,
    plain: PhantomData<P>,
}

/// A way to do it.
struct Row<'a> {
    name: &'static str,
    run: Box<dyn Fn() -> usize + 'a>,
    /// Nanoseconds of a run, in each round.
    nanos: Vec<f64>,
}

// === impl Sample ===

impl<M, P> Sample<M, P> {
    pub(crate) fn new(message: M) -> Self {
        Self { message, plain: PhantomData }
    }
}

/// Measures both directions and prints a table of each.
pub(crate) fn compare<M, P>(what: &str, name: &str, sample: &Sample<M, P>)
where
    M: Message + Serialize + DeserializeOwned + Default,
    P: Serialize + DeserializeOwned,
{
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    let codec = Codec::new(&pool);
    let descriptor = pool.get_message_by_name(name).unwrap();
    let id = codec.message(name).unwrap();
    let wire = sample.message.encode_to_vec();
    let made = codec.to_json(id, &wire, Absent::Written).unwrap();
    assert_eq!(made.fallback, None, "the direct way is what is measured");
    let json = made.bytes;
    let plain: P = serde_json::from_slice(&json).unwrap();
    assert_eq!(codec.to_wire(id, &json, Unknown::Refused).unwrap().bytes, wire);
    println!("\n{what}: {} bytes of JSON, {} of protobuf", json.len(), wire.len());

    table(
        "message to JSON",
        vec![
            row("serde_json::to_vec", || serde_json::to_vec(&plain).unwrap().len()),
            row("direct", || codec.to_json(id, &wire, Absent::Written).unwrap().bytes.len()),
            row("prost + pbjson", || {
                serde_json::to_vec(&M::decode(wire.as_slice()).unwrap()).unwrap().len()
            }),
            row("prost-reflect", || tree_to_json(&descriptor, &wire)),
        ],
    );
    table(
        "JSON to message",
        vec![
            row("serde_json::from_slice", || {
                size_of_val(&black_box(serde_json::from_slice::<P>(&json).unwrap()))
            }),
            row("direct", || codec.to_wire(id, &json, Unknown::Refused).unwrap().bytes.len()),
            row("prost + pbjson", || {
                serde_json::from_slice::<M>(&json).unwrap().encode_to_vec().len()
            }),
            row("prost-reflect", || tree_to_wire(&descriptor, &json)),
        ],
    );
}

fn tree_to_json(descriptor: &MessageDescriptor, wire: &[u8]) -> usize {
    let message = DynamicMessage::decode(descriptor.clone(), wire).unwrap();
    let mut json = serde_json::Serializer::new(Vec::new());
    let options = SerializeOptions::new().skip_default_fields(false);
    message.serialize_with_options(&mut json, &options).unwrap();
    json.into_inner().len()
}

fn tree_to_wire(descriptor: &MessageDescriptor, json: &[u8]) -> usize {
    let mut json = serde_json::Deserializer::from_slice(json);
    let message = DynamicMessage::deserialize(descriptor.clone(), &mut json).unwrap();
    message.encode_to_vec().len()
}

fn row<'a>(name: &'static str, run: impl Fn() -> usize + 'a) -> Row<'a> {
    Row { name, run: Box::new(run), nanos: Vec::new() }
}

/// Measures rows and prints them; the first is what the others are compared with.
fn table(direction: &str, mut rows: Vec<Row<'_>>) {
    for _ in 0..ROUNDS {
        for row in &mut rows {
            row.measure();
        }
    }
    println!("{direction:24} {:>9}  {:>10}  {:>11}", "time", "to the 1st", "allocations");
    for row in &rows {
        let shares = row.nanos.iter().zip(&rows[0].nanos).map(|(mine, first)| mine / first);
        let allocations = allocation_counter::measure(|| {
            black_box((row.run)());
        });
        println!(
            "  {:22} {:>6.1} µs  {:>10.2}  {:>11}",
            row.name,
            median(row.nanos.clone()) / 1_000.0,
            median(shares.collect()),
            allocations.count_total,
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

// === impl Row ===

impl Row<'_> {
    fn measure(&mut self) {
        let once = cpu_nanos();
        black_box((self.run)());
        let times = (SLICE_NANOS / (cpu_nanos() - once)).max(1.0).floor();
        let (start, mut run) = (cpu_nanos(), 0.0);
        while run < times {
            black_box((self.run)());
            run += 1.0;
        }
        self.nanos.push((cpu_nanos() - start) / times);
    }
}

/// Time that this thread was given, so that it does not count what others take.
fn cpu_nanos() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap().as_secs_f64() * 1e9
}
