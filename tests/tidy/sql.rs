use crate::source::{Source, files, none, shipped};

#[test]
fn statements_are_named_after_their_files() {
    none(files("sql").iter().filter(|source| !is_migration(source)).filter_map(|source| {
        let first = first_line(source);
        let is_named = match source.path.strip_prefix("services/") {
            Some(path) => first == format!("-- {}", name(path)),
            // A folder of statements about several resources: `create_role.sql`
            // is `mainstay.roles.create`.
            None => is_about(source, first.trim_start_matches("-- ")),
        };
        (!is_named).then(|| format!("{}: {first}", source.path))
    }));
}

#[test]
fn migrations_are_named_too() {
    none(files("sql").iter().filter(|source| is_migration(source)).filter_map(|source| {
        let service = source.path.split('/').nth(1).unwrap();
        let stem = source.path.rsplit_once("__").unwrap().1.trim_end_matches(".sql");
        let expected = format!("-- {service}.migrations.{stem}");
        (first_line(source) != expected).then(|| format!("{}: not `{expected}`", source.path))
    }));
}

#[test]
fn tables_and_columns_are_explained() {
    none(files("sql").iter().filter(|source| is_migration(source)).flat_map(|source| {
        let lines = source.text.lines().filter_map(|line| line.strip_prefix("CREATE TABLE "));
        lines.flat_map(|line| unexplained(source, line.trim_end_matches(" ("))).collect::<Vec<_>>()
    }));
}

#[test]
fn code_holds_no_sql() {
    const KEYWORDS: [&str; 13] = [
        "SELECT ",
        "INSERT INTO ",
        "UPDATE ",
        "DELETE FROM ",
        "CREATE ",
        "ALTER ",
        "DROP ",
        "TRUNCATE ",
        " WHERE ",
        " FROM ",
        " JOIN ",
        "GRANT ",
        "REVOKE ",
    ];
    none(shipped().flat_map(|source| {
        let wrong = source.literals().filter_map(|(number, literal)| {
            let keyword = KEYWORDS.into_iter().find(|keyword| literal.contains(keyword))?;
            Some(format!("{}:{number}: {keyword}", source.path))
        });
        wrong.collect::<Vec<_>>()
    }));
}

fn first_line(source: &Source) -> &str {
    source.text.lines().next().unwrap_or_default()
}

fn is_migration(source: &Source) -> bool {
    source.path.contains("/migrations/")
}

/// `auth/src/users/insert.sql` is `auth.users.insert`; what stands in the root of
/// a crate has no resource.
fn name(path: &str) -> String {
    path.trim_end_matches(".sql").replace("/src/", "/").replace('/', ".")
}

fn is_about(source: &Source, name: &str) -> bool {
    let stem = source.path.rsplit('/').next().unwrap();
    let parts: Vec<_> = name.split('.').collect();
    let [owner, about @ ..] = parts.as_slice() else { return false };
    let has_owner = source.path.contains(&format!("/{owner}/"));
    let is_told = about.iter().all(|part| stem.contains(part.trim_end_matches('s')));
    has_owner && is_told && matches!(about.len(), 1 | 2)
}

/// What a migration makes and does not explain.
fn unexplained(source: &Source, table: &str) -> Vec<String> {
    let begin = source.text.find(&format!("CREATE TABLE {table} (")).unwrap();
    let body = &source.text[begin..];
    let body = &body[..body.find(");").unwrap()];
    let columns = body.lines().skip(1).map_while(|line| line.split_whitespace().next());
    let columns = columns.map(|column| format!("COLUMN {table}.{column}"));
    let wanted = [format!("TABLE {table}")].into_iter().chain(columns);
    let missing = wanted.filter(|it| !source.text.contains(&format!("COMMENT ON {it} IS '")));
    missing.map(|it| format!("{}: no comment on {it}", source.path)).collect()
}
