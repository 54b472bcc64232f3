use std::collections::BTreeSet;

use crate::source::{Source, none, shipped};

#[test]
fn rules_know_neither_grpc_nor_sql() {
    let is_rules = |source: &Source| {
        let is_service = source.path.starts_with("services/auth/src/")
            || source.path.starts_with("services/content/src/");
        is_service && source.path.ends_with("/mod.rs")
    };
    let rules: Vec<_> = shipped().filter(is_rules).collect();
    assert!(rules.len() >= 3, "users, sessions and posts at least");
    // What an operator does is no resource: it has no gRPC edge to keep apart.
    let rules = rules.iter().filter(|source| !source.path.contains("/operator/"));
    none(rules.flat_map(|source| source.uses(&["tonic", "tokio_postgres", ".sql"])));
}

#[test]
fn only_one_file_reads_the_environment() {
    let others = shipped().filter(|source| source.path != "services/platform/src/config.rs");
    none(others.flat_map(|source| source.uses(&["env::var", "env::vars", "var_os", "dotenv"])));
}

#[test]
fn only_one_module_spawns() {
    let others =
        shipped().filter(|source| !source.path.starts_with("services/platform/src/server/"));
    let spawns = ["tokio::spawn", "task::spawn", "spawn_blocking", "thread::spawn", "JoinSet"];
    none(others.flat_map(|source| source.uses(&spawns)));
}

#[test]
fn identity_comes_from_access_alone() {
    let others = shipped().filter(|source| {
        !source.path.starts_with("services/platform/src/access/")
            && !source.path.starts_with("services/platform/src/token/")
    });
    none(others.flat_map(|source| source.uses(&["Caller {", "Verifier(", "decode::<Claims>"])));
}

#[test]
fn handlers_take_requests_through_access() {
    let handlers: Vec<_> = shipped().filter(|source| source.path.ends_with("/rpc.rs")).collect();
    let handlers = handlers.iter().filter(|source| source.path.starts_with("services/"));
    none(handlers.flat_map(|source| {
        let code = source.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        let methods = code.split("async fn ").skip(1).filter(|it| it.contains("request: Request<"));
        let forgotten = methods.filter(|method| !method.contains("admit(request)?"));
        let forgotten = forgotten.map(|method| method.split('(').next().unwrap().to_owned());
        let forgotten = forgotten.map(|name| format!("{}: {name} admits nobody", source.path));
        let raw = source.uses(&["request.into_inner", "request.get_ref", "request.metadata"]);
        forgotten.chain(raw).collect::<Vec<_>>()
    }));
}

#[test]
fn statuses_are_made_in_one_place() {
    let is_ours = |source: &Source| {
        source.path.starts_with("services/") && !source.path.starts_with("services/platform/src/")
    };
    let words = ["Status::new", "Status::internal", "Status::unknown", "Status::not_found"];
    none(shipped().filter(is_ours).flat_map(|source| source.uses(&words)));
}

#[test]
fn the_gateway_has_no_code_for_a_route() {
    let pool = tests::contract::pool();
    let mut names = BTreeSet::new();
    for service in pool.services() {
        names.insert(service.name().to_owned());
        names.extend(service.methods().map(|method| method.name().to_owned()));
        let messages = service.methods().flat_map(|it| [it.input(), it.output()]);
        // What every gateway knows of Google's is no route of ours.
        let messages = messages.filter(|message| message.package_name().starts_with("mainstay."));
        names.extend(messages.map(|message| message.name().to_owned()));
    }
    let is_gateway = |source: &Source| {
        let is_page = source.path.starts_with("gateway/src/pages");
        let is_fixture = source.path == "gateway/src/fixture.rs";
        source.path.starts_with("gateway/src/") && !is_page && !is_fixture
    };
    let mut wanted: Vec<_> = names.iter().map(String::as_str).collect();
    wanted.push("/api/");
    none(shipped().filter(is_gateway).flat_map(|source| {
        let wrong = source.code().filter_map(|(number, line)| {
            let name = wanted.iter().find(|name| mentions(line, name))?;
            Some(format!("{}:{number}: {name}", source.path))
        });
        wrong.collect::<Vec<_>>()
    }));
}

/// Whether a line has a name as a whole word.
fn mentions(line: &str, name: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
    line.match_indices(name).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        name.starts_with('/') || (is_edge(before.chars().last()) && is_edge(after.chars().next()))
    })
}

/// What is drawn elsewhere can be guessed.
#[test]
fn random_numbers_come_from_the_system() {
    let others = ["thread_rng", "rand::rng", "rand::random", "SmallRng", "StdRng", "fastrand"];
    none(shipped().flat_map(|source| source.uses(&others)));
}
