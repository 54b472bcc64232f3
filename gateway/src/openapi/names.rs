//! The names of messages and methods in the document: short where that is clear.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor, ServiceDescriptor};

use crate::route::Route;

/// Names that the document itself needs.
const RESERVED: [&str; 2] = ["Problem", "Fault"];

/// How often each short name is there.
#[derive(Debug)]
pub(super) struct Names {
    messages: HashMap<String, usize>,
    methods: HashMap<String, usize>,
}

// === impl Names ===

impl Names {
    pub(super) fn read(pool: &DescriptorPool) -> Self {
        let mut messages: HashMap<String, usize> = HashMap::new();
        for name in RESERVED {
            messages.insert(name.to_owned(), 1);
        }
        for message in pool.all_messages().filter(|it| !it.is_map_entry()) {
            *messages.entry(message.name().to_owned()).or_default() += 1;
        }
        let mut methods: HashMap<String, usize> = HashMap::new();
        for service in pool.services() {
            for method in service.methods() {
                *methods.entry(method.name().to_owned()).or_default() += 1;
            }
        }
        Self { messages, methods }
    }

    /// `Post`, or `ContentV1Post` if there are several.
    pub(super) fn of_message(&self, message: &MessageDescriptor) -> String {
        if self.messages.get(message.name()).is_none_or(|count| *count <= 1) {
            return message.name().to_owned();
        }
        let parts = message.full_name().split(['.', '_']);
        parts.skip(1).map(capitalised).collect()
    }

    /// `getPost`; a second route of the same method is told by what is in its path.
    pub(super) fn of_route(&self, route: &Route, earlier: &[String]) -> String {
        let method = &route.rpc.method;
        let is_unique = self.methods.get(method.name()).is_none_or(|count| *count <= 1);
        let name = if is_unique {
            method.name().to_owned()
        } else {
            format!("{}{}", resource(method.parent_service()), method.name())
        };
        let name = uncapitalised(&name);
        let is_free = |name: &String| !earlier.contains(name);
        let fields: Vec<_> = route.fields_in_path().map(|field| camel(field.name())).collect();
        let by = Some(format!("{name}By{}", fields.join("And"))).filter(|_| !fields.is_empty());
        let numbered = || (2..u16::MAX).map(|number| format!("{name}{number}")).find(is_free);
        Some(name.clone())
            .filter(is_free)
            .or_else(|| by.filter(is_free))
            .or_else(numbered)
            .unwrap_or_default()
    }
}

/// What a service is about: `Post`.
pub(super) fn resource(service: &ServiceDescriptor) -> String {
    let name = service.name();
    name.strip_suffix("Service").filter(|rest| !rest.is_empty()).unwrap_or(name).to_owned()
}

/// The name of the method, as the group of an operation.
pub(super) fn tag(method: &MethodDescriptor) -> String {
    resource(method.parent_service())
}

/// `user_id` as `UserId`.
pub(super) fn camel(name: &str) -> String {
    name.split(['_', '.']).map(capitalised).collect()
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

fn uncapitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}
