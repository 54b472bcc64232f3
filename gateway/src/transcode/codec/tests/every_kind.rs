//! What the properties are about.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MessageDescriptor};

use super::super::{Codec, MessageId, plan};

/// Messages, and the codec that knows them.
pub(super) struct Messages {
    pub(super) codec: Codec,
    pub(super) all: Vec<(MessageDescriptor, MessageId)>,
}

/// Every message of the contract that has a plan.
pub(super) static CONTRACT: LazyLock<Messages> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    let secret = plan::credential(&pool).unwrap();
    let is_planned = |it: &MessageDescriptor| {
        let has_secrets = it.fields().any(|field| field.options().has_extension(&secret));
        let is_proto3 = it.parent_file().syntax() == prost_reflect::Syntax::Proto3;
        is_proto3 && !it.is_map_entry() && !has_secrets
    };
    Messages::new(&pool, is_planned)
});

/// The message that holds every kind of field.
pub(super) static EVERY_KIND: LazyLock<Messages> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/transcode/codec/tests");
    let mut compiler = protox::Compiler::new([folder]).unwrap();
    compiler.include_imports(true).open_file("every_kind.proto").unwrap();
    let pool = DescriptorPool::decode(&*compiler.encode_file_descriptor_set()).unwrap();
    Messages::new(&pool, |it| it.full_name() == "oracle.v1.EveryKind")
});

// === impl Messages ===

impl Messages {
    fn new(pool: &DescriptorPool, is_wanted: impl Fn(&MessageDescriptor) -> bool) -> Self {
        let codec = Codec::new(pool);
        let all = pool.all_messages().filter(is_wanted);
        let all: Vec<_> =
            all.map(|it| (it.clone(), codec.message(it.full_name()).unwrap())).collect();
        assert!(!all.is_empty());
        Self { codec, all }
    }
}
