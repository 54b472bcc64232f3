//! Between JSON and the wire format, by the ProtoJSON mapping, without a tree of
//! messages in between.
//!
//! At start every message gets a plan. A pass forward over the bytes, guided by
//! the plan, does nearly all there is to do; what it is not sure of it leaves to
//! `prost-reflect`, which is also what it is checked against. It knows nothing of
//! routes.

mod calendar;
mod direct;
mod json;
mod path;
mod plan;
mod stop;
mod to_json;
mod to_wire;
mod tree;
mod wire;

use std::sync::OnceLock;

use opentelemetry::{KeyValue, metrics::Counter};
use platform::telemetry::{TRANSCODE_DIRECTION, TRANSCODE_FALLBACKS, TRANSCODE_REASON};
use prost_reflect::DescriptorPool;

pub(crate) use self::{
    direct::{check_empty, close, last, last_text, put_path, seconds},
    path::Path,
    plan::Count,
    stop::Stop,
    to_wire::{Cover, Hidden, Seen},
};
pub use self::{plan::MessageId, stop::Unusual, to_wire::Unknown};
use self::{plan::Plans, to_json::Writer, to_wire::Reader};

/// Turns JSON into messages of a contract and back.
#[derive(Debug)]
pub struct Codec {
    plans: Plans,
    fallbacks: OnceLock<Counter<u64>>,
}

/// Whether absent fields are written, as far as they have no presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// They are, so that the shape of an answer does not depend on its values.
    Written,
    /// They are not.
    Omitted,
}

/// What came out, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// JSON, or the wire form of a message.
    pub bytes: Vec<u8>,
    /// Why it took a message tree, if it did.
    pub fallback: Option<Unusual>,
}

/// Why nothing came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The input is not what its form and the contract say.
    #[error("the input is wrong: {0}")]
    Input(&'static str),
    /// The message holds a value that JSON has no form for.
    #[error("the message has no JSON form: {0}")]
    Output(&'static str),
}

// === impl Codec ===

impl Codec {
    /// Plans every message of a contract.
    pub fn new(pool: &DescriptorPool) -> Self {
        Self { plans: Plans::new(pool), fallbacks: OnceLock::new() }
    }

    /// Finds a message by its full name.
    pub fn message(&self, full_name: &str) -> Option<MessageId> {
        self.plans.id(full_name)
    }

    /// Turns the wire form of a message into JSON.
    pub fn to_json(&self, id: MessageId, wire: &[u8], absent: Absent) -> Result<Made, Error> {
        let writer = Writer::new(&self.plans, absent == Absent::Written, capacity(wire));
        self.finish("to_json", writer.whole(id, wire), || {
            tree::to_json(self.plans.descriptor(id), wire, absent)
        })
    }

    /// Turns JSON into the wire form of a message.
    pub fn to_wire(&self, id: MessageId, json: &[u8], unknown: Unknown) -> Result<Made, Error> {
        let out = Vec::with_capacity(json.len());
        let reader = Reader::new(&self.plans, unknown, json, out);
        self.finish("to_wire", reader.and_then(|reader| reader.whole(id)), || {
            tree::to_wire(self.plans.descriptor(id), json, unknown)
        })
    }

    fn finish(
        &self,
        direction: &'static str,
        done: Result<Vec<u8>, Stop>,
        tree: impl FnOnce() -> Result<Vec<u8>, Error>,
    ) -> Result<Made, Error> {
        match done {
            Ok(bytes) => Ok(Made { bytes, fallback: None }),
            Err(Stop::Malformed(why)) => Err(Error::Input(why)),
            Err(Stop::NoJson(why)) => Err(Error::Output(why)),
            Err(Stop::Unusual(unusual)) => {
                self.count(direction, unusual);
                tree().map(|bytes| Made { bytes, fallback: Some(unusual) })
            }
        }
    }

    /// Counts a message that took a tree.
    pub(crate) fn count(&self, direction: &'static str, unusual: Unusual) {
        // Not before the first: the meter is not there when the codec is made.
        let counter = self.fallbacks.get_or_init(|| {
            let meter = opentelemetry::global::meter("mainstay");
            meter.u64_counter(TRANSCODE_FALLBACKS).build()
        });
        let labels = [
            KeyValue::new(TRANSCODE_DIRECTION, direction),
            KeyValue::new(TRANSCODE_REASON, unusual.name()),
        ];
        counter.add(1, &labels);
    }
}

/// JSON is mostly a little longer than the wire form.
fn capacity(wire: &[u8]) -> usize {
    wire.len() + wire.len() / 2 + 256
}

#[cfg(test)]
pub(crate) use self::tests::choices;
#[cfg(test)]
mod tests;
