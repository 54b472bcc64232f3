use std::{collections::BTreeMap, fs};

use crate::source::{Source, files, none, root};

/// How many requirements of levels 1 and 2 each section of OWASP ASVS 5.0.0 has; they
/// are its first ones.
const SECTIONS: [(&str, usize); 22] = [
    ("6.1", 3),
    ("6.2", 12),
    ("6.3", 4),
    ("6.4", 4),
    ("6.5", 5),
    ("6.6", 3),
    ("6.8", 4),
    ("7.1", 3),
    ("7.2", 4),
    ("7.3", 2),
    ("7.4", 5),
    ("7.5", 2),
    ("7.6", 2),
    ("9.1", 3),
    ("9.2", 4),
    ("10.1", 2),
    ("10.2", 2),
    ("10.3", 4),
    ("10.4", 11),
    ("10.5", 5),
    ("10.6", 2),
    ("10.7", 3),
];

/// Where the tests of a suite or of a crate are.
const FOLDERS: [(&str, &str); 11] = [
    ("conformance", "tests/conformance"),
    ("e2e", "tests/e2e"),
    ("faults", "tests/faults"),
    ("hostile", "tests/hostile"),
    ("openapi", "tests/openapi"),
    ("tidy", "tests/tidy"),
    ("auth", "services/auth/src"),
    ("content", "services/content/src"),
    ("database", "services/database/src"),
    ("platform", "services/platform/src"),
    ("gateway", "gateway/src"),
];

/// A requirement, and how it is met.
struct Row {
    id: String,
    level: String,
    how: String,
}

#[test]
fn the_asvs_table_names_tests_that_exist() {
    let sources: BTreeMap<_, _> =
        files("rs").into_iter().map(|source| (source.path.clone(), source)).collect();
    none(rows().iter().flat_map(|row| {
        let missing = named(&row.how).into_iter().filter(|path| !exists(path, &sources));
        missing.map(|path| format!("{}: there is no {path}", row.id)).collect::<Vec<_>>()
    }));
}

#[test]
fn the_asvs_table_has_every_requirement_of_levels_1_and_2() {
    let all = SECTIONS.iter();
    let all = all.flat_map(|(section, last)| (1..=*last).map(move |n| format!("{section}.{n}")));
    let all: Vec<_> = all.collect();
    let rows = rows();
    none(all.iter().filter_map(|id| {
        let count = rows.iter().filter(|row| row.id == *id).count();
        (count != 1).then(|| format!("{id} is there {count} times"))
    }));
    none(rows.iter().filter_map(|row| {
        let is_listed = all.contains(&row.id);
        let is_right = is_listed == ["1", "2"].contains(&&*row.level);
        (!is_right).then(|| format!("{} is not of level {}", row.id, row.level))
    }));
}

/// A test, a document, or why there is neither.
#[test]
fn every_row_of_the_asvs_table_says_how() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    none(rows().iter().filter_map(|row| {
        let mut topics = row.how.split('*').skip(1).step_by(2);
        let unknown = topics.find(|topic| !architecture.contains(&format!("**{topic}")));
        let has_reason = ["not applicable: ", "not met: "].iter().any(|it| row.how.starts_with(it));
        let says_how = has_reason || !named(&row.how).is_empty() || row.how.contains(".md");
        match unknown {
            Some(topic) => Some(format!("{}: ARCHITECTURE.md has no {topic}", row.id)),
            None => (!says_how).then(|| format!("{} says nothing", row.id)),
        }
    }));
}

fn rows() -> Vec<Row> {
    let table = fs::read_to_string(root().join("tests/asvs.md")).unwrap();
    let rows = table.lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        assert_eq!(cells.len(), 4, "{line}");
        let [id, level, how] = [cells[0], cells[1], cells[3]].map(str::to_owned);
        id.starts_with(|first: char| first.is_ascii_digit()).then_some(Row { id, level, how })
    });
    rows.collect()
}

/// The paths of tests in a cell.
fn named(how: &str) -> Vec<&str> {
    how.split('`').skip(1).step_by(2).filter(|quoted| quoted.contains("::")).collect()
}

/// Whether `suite::module::name` is a test, in the file of its module, that runs each time.
fn exists(path: &str, sources: &BTreeMap<String, Source>) -> bool {
    let mut parts: Vec<_> = path.split("::").collect();
    let Some(name) = parts.pop() else { return false };
    let folder = FOLDERS.iter().find(|(suite, _)| parts.first() == Some(suite));
    let Some((_, folder)) = folder else { return false };
    let mut modules = vec![*folder];
    modules.extend(&parts[1..]);
    let mut paths = of_module(&modules);
    // Unit tests may stand in the file that they are about.
    if modules.last() == Some(&"tests") {
        modules.pop();
        paths.extend(of_module(&modules));
    }
    paths.iter().filter_map(|path| sources.get(path)).any(|source| has_test(source, name))
}

fn of_module(modules: &[&str]) -> Vec<String> {
    let path = modules.join("/");
    let roots = ["mod.rs", "main.rs", "lib.rs"].map(|root| format!("{path}/{root}"));
    roots.into_iter().chain([format!("{path}.rs")]).collect()
}

fn has_test(source: &Source, name: &str) -> bool {
    let lines: Vec<_> = source.text.lines().map(str::trim).collect();
    let begin = format!("fn {name}(");
    let is_it = |line: &&str| line.trim_start_matches("async ").starts_with(&begin);
    let Some(at) = lines.iter().position(is_it) else { return false };
    let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
    let attributes: Vec<_> = attributes.collect();
    let has = |begin: &str| attributes.iter().any(|line| line.starts_with(begin));
    (has("#[test]") || has("#[tokio::test")) && !has("#[ignore")
}
