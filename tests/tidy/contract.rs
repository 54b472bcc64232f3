use std::collections::BTreeSet;

use prost_reflect::{FileDescriptor, Kind, prost_types::method_options::IdempotencyLevel};
use proto::options::v1::Access;
use tests::contract::{methods, pool};

use crate::source::none;

/// At most this many methods: a service is about one thing.
const MOST_METHODS: usize = 8;

#[test]
fn every_method_has_a_policy_and_a_route() {
    // What verifiers of tokens are told is for no browser.
    const WITHOUT_ROUTE: [&str; 1] = ["mainstay.auth.v1.TrustService/WatchTrust"];
    none(methods(&pool()).into_iter().filter_map(|method| {
        let has_access =
            method.policy.as_ref().is_some_and(|it| it.access() != Access::Unspecified);
        let is_routed = !method.routes.is_empty();
        let is_complete = has_access && is_routed != WITHOUT_ROUTE.contains(&&*method.name());
        (!is_complete).then(|| format!("{} has no policy or no route", method.name()))
    }));
}

#[test]
fn services_are_small() {
    none(pool().services().filter_map(|service| {
        let count = service.methods().count();
        (count > MOST_METHODS).then(|| format!("{} has {count} methods", service.full_name()))
    }));
}

#[test]
fn routes_differ() {
    let mut seen = BTreeSet::new();
    for method in methods(&pool()) {
        for route in method.routes {
            let segments = route.template.split('/');
            let shape = segments.map(|it| if it.starts_with('{') { "*" } else { it });
            let shape: Vec<_> = shape.map(str::to_owned).collect();
            assert!(seen.insert((route.verb, shape)), "{} is taken", route.template);
            assert!(
                route.template.starts_with("/api/") || route.template.starts_with("/.well-known/"),
                "{}",
                route.template
            );
        }
    }
}

/// Browsers and crawlers follow GET without asking, from pages of other sites too.
#[test]
fn looking_changes_nothing() {
    none(methods(&pool()).into_iter().filter_map(|method| {
        let options = method.descriptor.method_descriptor_proto().options.clone();
        let level = options.unwrap_or_default().idempotency_level();
        let is_look = method.routes.iter().any(|route| route.verb == "GET");
        (is_look != (level == IdempotencyLevel::NoSideEffects))
            .then(|| format!("{} is GET or has no side effects, but not both", method.name()))
    }));
}

#[test]
fn everything_is_explained() {
    let pool = pool();
    let ours = pool.files().filter(|file| file.package_name().starts_with("mainstay."));
    none(ours.flat_map(|file| unexplained(&file)));
}

#[test]
fn public_messages_have_no_64_bit_integers() {
    let pool = pool();
    let ours = pool.all_messages().filter(|it| it.package_name().starts_with("mainstay."));
    let wide = [Kind::Int64, Kind::Uint64, Kind::Sint64, Kind::Fixed64, Kind::Sfixed64];
    none(ours.flat_map(|message| {
        let fields = message.fields().filter(|field| wide.contains(&field.kind()));
        fields.map(|field| field.full_name().to_owned()).collect::<Vec<_>>()
    }));
}

/// Hints and secret questions are passwords that others can find out.
#[test]
fn nobody_is_asked_for_what_others_can_find_out() {
    let pool = pool();
    let ours = pool.all_messages().filter(|it| it.package_name().starts_with("mainstay."));
    none(ours.flat_map(|message| {
        let fields = message.fields().map(|field| field.full_name().to_owned());
        let asked = |name: &String| ["hint", "question"].iter().any(|word| name.contains(word));
        fields.filter(asked).collect::<Vec<_>>()
    }));
}

/// Everything in a file that has no comment.
fn unexplained(file: &FileDescriptor) -> Vec<String> {
    let info = file.file_descriptor_proto().source_code_info.clone().unwrap();
    let explained: BTreeSet<Vec<i32>> = info
        .location
        .into_iter()
        .filter(|location| location.leading_comments().len() > 3)
        .map(|location| location.path)
        .collect();
    let mut items = Vec::new();
    for service in file.services() {
        items.push((service.full_name().to_owned(), service.path().to_vec()));
        items.extend(service.methods().map(|it| (it.full_name().to_owned(), it.path().to_vec())));
    }
    for message in file.messages() {
        items.push((message.full_name().to_owned(), message.path().to_vec()));
        items.extend(message.fields().map(|it| (it.full_name().to_owned(), it.path().to_vec())));
    }
    for kind in file.enums() {
        items.push((kind.full_name().to_owned(), kind.path().to_vec()));
    }
    items.retain(|(_, path)| !explained.contains(path));
    items.into_iter().map(|(name, _)| format!("{name} has no comment")).collect()
}
