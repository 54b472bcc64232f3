//! What has to be known of an enum.

use std::collections::BTreeMap;

use prost_reflect::EnumDescriptor;

/// An enum: its numbers and their names.
#[derive(Debug)]
pub(crate) struct Enumeration {
    /// Whether it is `google.protobuf.NullValue`, which is null in JSON.
    pub(crate) is_null: bool,
    /// `"NAME"`, for the numbers from 0 up to the first gap.
    dense: Box<[Box<[u8]>]>,
    /// `"NAME"` by number, ascending.
    sparse: Box<[(i32, Box<[u8]>)]>,
    /// Numbers by name, ascending.
    numbers: Box<[(Box<str>, i32)]>,
}

// === impl Enumeration ===

impl Enumeration {
    pub(crate) fn plan(descriptor: &EnumDescriptor) -> Self {
        let mut names = BTreeMap::new();
        let mut numbers: Vec<(Box<str>, i32)> = Vec::new();
        for value in descriptor.values() {
            // An enum may have several names for a number; the first is written.
            names.entry(value.number()).or_insert_with(|| quoted(value.name()));
            numbers.push((value.name().into(), value.number()));
        }
        numbers.sort_unstable();
        let dense = (0..).map_while(|number| names.get(&number).cloned()).collect();
        Self {
            is_null: descriptor.full_name() == "google.protobuf.NullValue",
            dense,
            sparse: names.into_iter().collect(),
            numbers: numbers.into(),
        }
    }

    /// The name of a number, in quotes; none for one that a newer contract has.
    #[inline]
    pub(crate) fn name(&self, number: i32) -> Option<&[u8]> {
        let dense = usize::try_from(number).ok().and_then(|at| self.dense.get(at));
        let sparse = || {
            let at = self.sparse.binary_search_by_key(&number, |(number, _)| *number).ok()?;
            self.sparse.get(at).map(|(_, name)| name)
        };
        dense.or_else(sparse).map(|name| &**name)
    }

    /// The number of a name.
    pub(crate) fn number(&self, name: &str) -> Option<i32> {
        let at = self.numbers.binary_search_by_key(&name, |(name, _)| name).ok()?;
        self.numbers.get(at).map(|(_, number)| *number)
    }
}

/// Names are identifiers: nothing in them needs an escape.
pub(crate) fn quoted(name: &str) -> Box<[u8]> {
    serde_json::Value::from(name).to_string().into_bytes().into()
}
