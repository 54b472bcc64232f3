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
        // In the order of the contract, unlike `descriptor.values()`: of several names
        // for a number the first is written.
        for value in &descriptor.enum_descriptor_proto().value {
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

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;
    use prost_types::{
        EnumDescriptorProto, EnumOptions, EnumValueDescriptorProto, FileDescriptorProto,
    };

    use super::*;

    #[test]
    fn the_first_of_several_names_is_written_and_all_are_read() {
        let names = [("E_ZERO", 0), ("E_Z", 1), ("E_A", 1), ("E_M", 1), ("E_FAR", -7)];
        let value = names.map(|(name, number)| EnumValueDescriptorProto {
            name: Some(name.to_owned()),
            number: Some(number),
            options: None,
        });
        let options = EnumOptions { allow_alias: Some(true), ..EnumOptions::default() };
        let file = FileDescriptorProto {
            name: Some("e.proto".to_owned()),
            syntax: Some("proto3".to_owned()),
            enum_type: vec![EnumDescriptorProto {
                name: Some("E".to_owned()),
                value: value.into(),
                options: Some(options),
                ..EnumDescriptorProto::default()
            }],
            ..FileDescriptorProto::default()
        };
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_proto(file).unwrap();
        let plan = Enumeration::plan(&pool.get_enum_by_name("E").unwrap());
        assert_eq!(plan.name(1), Some(&b"\"E_Z\""[..]));
        assert_eq!(plan.name(-7), Some(&b"\"E_FAR\""[..]));
        assert_eq!(plan.name(2), None);
        for (name, number) in names {
            assert_eq!(plan.number(name), Some(number));
        }
        assert_eq!(plan.number("E"), None);
    }
}
